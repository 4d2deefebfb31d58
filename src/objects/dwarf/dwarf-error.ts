/** What a piece of call frame information could not be used for. A value, not thrown. */
export class DwarfError {
  readonly kind = 'dwarf-error';
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
