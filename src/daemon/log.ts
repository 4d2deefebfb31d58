/**
 * The daemon's log: winston with transports that write before they return, so that no line is lost when the process
 * ends or is killed, and that never wait: what cannot be written now is counted, and the number written as soon as
 * something can be. Lines go to standard error, to a file, and, as datagrams, to journald or Android's logd.
 */
import { fstatSync } from 'node:fs';
import winston from 'winston';
import Transport from 'winston-transport';
import { shownLine } from '../bytes/shown-text.js';
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
import { openLineOutput } from './logging/line-output.js';
import { LogFile, LogFileError } from './logging/log-file.js';
import { LostLines } from './logging/lost-lines.js';

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
  /** A file for the lines besides; null: none. */
  readonly file?: string | null;
  /** Where console lines go; false: the line was not taken. Default: standard error. */
  readonly write?: (line: string) => boolean;
  readonly journaldSocket?: string;
  readonly logdSocket?: string;
}

export interface OpenLog extends Log {
  /** Opens the log file anew, after a rotation. */
  reopen(): void;
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

/** A transport of which it is known what it did not take. */
class LostTransport {
  readonly transport: Transport;
  readonly #lost: LostLines<LogInfo>;

  constructor(take: (info: LogInfo) => boolean) {
    this.#lost = new LostLines<LogInfo>(take, (count) => ({
      level: 'warn',
      message: `lines of this log that could not be written and are lost: ${count}`,
    }));
    this.transport = new SynchronousTransport((info) => this.#lost.write(info));
  }

  close(): void {
    this.#lost.close();
  }
}

/**
 * Opens the log. Targets whose sockets do not exist are left out; one that should work and does not is told once, to
 * the others.
 * @throws LogFileError
 */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const journald = options.journaldSocket ?? JOURNALD_SOCKET;
  const logd = options.logdSocket ?? LOGD_SOCKET;
  const transports: Transport[] = [];
  /** What is to be closed, in this order. */
  const closing: { close(): void }[] = [];
  const troubles: string[] = [];
  /** A transport that counts what `take` does not. */
  const add = (take: (info: LogInfo) => boolean): void => {
    const lost = new LostTransport(take);
    transports.push(lost.transport);
    closing.push(lost);
  };
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
        add(target === 'journald' ? toJournald(sender) : toLogd(sender));
        closing.push(sender);
      }
    }
  }
  // Under systemd standard error may be the journal already: each line would appear twice.
  const twice =
    wanted.includes('journald') && transports.length > 0 && options.write === undefined && stderrIsJournal();
  if (options.targets.includes('console') && !twice) {
    const output = options.write === undefined ? openLineOutput(2) : { write: options.write, close() {} };
    add((info) => output.write(consoleLine(info, new Date())));
    closing.push(output);
  }
  const file = options.file == null ? null : new LogFile(options.file);
  if (file !== null) {
    add((info) => file.write(consoleLine(info, new Date())));
    closing.push(file);
  }
  // winston complains on standard output about a logger without transports.
  const silent = transports.length === 0;
  const logger = winston.createLogger({
    level: options.level,
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    transports: silent ? [new SynchronousTransport(() => {})] : transports,
    exitOnError: false,
  });
  // The last guard: whatever a message was made of, it is one line.
  const at = (level: Severity) => (message: string, fields?: LogFields) => {
    logger.log({ level, message: shownLine(message), ...(fields === undefined ? {} : { fields }) });
  };
  const log: OpenLog = {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    reopen() {
      try {
        file?.reopen();
      } catch (error) {
        if (!(error instanceof LogFileError)) throw error;
        log.error(`${error.message}; the old one is written to still`);
      }
    },
    close() {
      logger.close();
      for (const part of closing) part.close();
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

function consoleLine({ level, message }: LogInfo, now: Date): string {
  return `${now.toISOString()} ${level}: ${message}\n`;
}

function toJournald(sender: DatagramSender): (info: LogInfo) => boolean {
  return ({ level, message, fields }) => sender.send(encodeJournalEntry(level, message, fields));
}

function toLogd(sender: DatagramSender): (info: LogInfo) => boolean {
  return ({ level, message }) => sender.send(encodeLogdRecord(level, message, process.pid, Date.now()));
}
