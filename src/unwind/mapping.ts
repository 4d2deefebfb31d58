/** One line of /proc/PID/maps (or a module of a foreign minidump). */
export interface Mapping {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. */
  readonly prot: number;
  readonly offset: number;
  /** Path or bracketed name, '' when anonymous. */
  readonly name: string;
  /** Device as maps prints it (`fd:01`), '' when unknown; and inode, 0 when there is no file. */
  readonly device: string;
  readonly inode: number;
}
