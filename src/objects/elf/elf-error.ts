/** Why bytes are not the ELF image that they should be: what was read, and what it lacked. A value, not thrown. */
export class ElfError {
  readonly kind = 'elf-error';
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
