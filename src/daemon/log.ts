/**
 * The daemon's log: winston with transports that write before they return, so that no line is lost when the process ends or is killed.
 * Lines go to standard error and, as datagrams, to journald or Android's logd.
 */
import { fstatSync, writeSync } from 'node:fs';
import winston from 'winston';
import Transport from 'winston-transport';
import {
  type DatagramSender,
  encodeJournalEntry,
  encodeLogdRecord,
  isSocket,
  JOURNALD_SOCKET,
  LOGD_SOCKET,
  loadUnixDgram,
  openDatagramSender,
  type Severity,
} from '../platform/datagram-log.js';
import type { LogLevel, LogTarget } from './config/config.js';

export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Structured companions of a line, for journald: capital letters, digits, underscores. */
export type LogFields = Readonly<Record<string, string | number>>;

export interface LogOptions {
  readonly level: LogLevel;
  readonly targets: readonly LogTarget[];
  /** Where console lines go. Default: standard error. */
  readonly write?: (line: string) => void;
  readonly journaldSocket?: string;
  readonly logdSocket?: string;
}

export interface OpenLog extends Log {
  close(): void;
}

interface LogInfo {
  readonly level: Severity;
  readonly message: string;
  readonly fields?: LogFields;
}

/** A transport that is done with a line when `log` returns. */
class SynchronousTransport extends Transport {
  readonly #take: (info: LogInfo) => void;

  constructor(take: (info: LogInfo) => void) {
    super();
    this.#take = take;
  }

  override log(info: LogInfo, next: () => void): void {
    try {
      this.#take(info);
    } catch {
      // A log that cannot be written must not stop the daemon.
    }
    next();
  }
}

/** Opens the log. Targets whose sockets do not exist are left out; one that should work and does not is told once, to the others. */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const journald = options.journaldSocket ?? JOURNALD_SOCKET;
  const logd = options.logdSocket ?? LOGD_SOCKET;
  const transports: Transport[] = [];
  const senders: DatagramSender[] = [];
  const troubles: string[] = [];
  const wanted = (['journald', 'logd'] as const).filter(
    (target) => options.targets.includes(target) && isSocket(target === 'journald' ? journald : logd),
  );
  if (wanted.length > 0) {
    const loaded = await loadUnixDgram();
    if (loaded.module === null) {
      troubles.push(`no log to ${wanted.join(', ')}: unix-dgram is not installed (${loaded.reason})`);
    } else {
      for (const target of wanted) {
        const sender = openDatagramSender(loaded.module, target === 'journald' ? journald : logd);
        senders.push(sender);
        transports.push(target === 'journald' ? journaldTransport(sender) : logdTransport(sender));
      }
    }
  }
  // Under systemd standard error may be the journal already: each line would appear twice.
  const twice = wanted.includes('journald') && senders.length > 0 && options.write === undefined && stderrIsJournal();
  if (options.targets.includes('console') && !twice) {
    const write = options.write ?? ((line: string) => writeSync(2, line));
    transports.push(new SynchronousTransport((info) => write(consoleLine(info, new Date()))));
  }
  // winston complains on standard output about a logger without transports.
  const silent = transports.length === 0;
  const logger = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    transports: silent ? [new SynchronousTransport(() => {})] : transports,
    exitOnError: false,
  });
  const at = (level: Severity) => (message: string, fields?: LogFields) => {
    logger.log({ level, message: oneLine(message), ...(fields === undefined ? {} : { fields }) });
  };
  const log: OpenLog = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    close() {
      logger.close();
      for (const sender of senders) sender.close();
    },
  };
  for (const trouble of troubles) log.warn(trouble);
  return log;
}

/** systemd.exec(5), $JOURNAL_STREAM: device and inode of the journal's stream. */
function stderrIsJournal(): boolean {
  try {
    const { dev, ino } = fstatSync(2);
    return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** The last guard: whatever a message was made of, it is one line. */
function oneLine(message: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return message.replace(/[\u0000-\u001f\u007f]+/g, ' ');
}

function consoleLine({ level, message }: LogInfo, now: Date): string {
  return `${now.toISOString()} ${level}: ${message}\n`;
}

function journaldTransport(sender: DatagramSender): Transport {
  return new SynchronousTransport(({ level, message, fields }) => {
    sender.send(encodeJournalEntry(level, message, fields));
  });
}

function logdTransport(sender: DatagramSender): Transport {
  return new SynchronousTransport(({ level, message }) => {
    sender.send(encodeLogdRecord(level, message, process.pid, Date.now()));
  });
}
