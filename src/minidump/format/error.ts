/**
 * A minidump, or one of its streams, that cannot be read: names the part, what it needs and what is there. One broken
 * stream leaves the others readable.
 */
export class MinidumpError extends Error {
  override readonly name = 'MinidumpError';
  /** The part that is broken: `header`, `directory`, `thread list`, ... */
  readonly part: string;

  constructor(part: string, message: string) {
    super(`${part}: ${message}`);
    this.part = part;
  }
}
