/** The line of a classic tombstone that names the signal. */
import { codeName, signalName } from '../../linux/signals.js';
import type { SignalReport } from '../model/report.js';

/** `signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0` */
export function signalLine(signal: SignalReport): string {
  const fault = signal.faultAddress === null ? '--------' : `0x${signal.faultAddress.toString(16)}`;
  const { number, code } = signal;
  return `signal ${number} (${signalName(number)}), code ${code} (${codeName(number, code)}), fault addr ${fault}`;
}
