/** The terminal symbols of Rust's v0 names. */
import { decodePunycode } from './punycode.js';

/** A name that breaks the grammar or a bound; caught by demangleRustV0. */
export class Malformed extends Error {}

const DIGITS62 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The terminal symbols of Rust's v0 grammar, read from one name. Throws Malformed. */
export class RustV0Cursor {
  readonly input: string;
  at = 0;

  constructor(input: string) {
    this.input = input;
  }

  /** `5crate`, or `u` and Punycode. May be empty. */
  identifier(): string {
    const puny = this.eat('u');
    const digits = /^(?:0|[1-9][0-9]{0,5})/.exec(this.input.slice(this.at, this.at + 6))?.[0];
    if (digits === undefined) throw new Malformed();
    this.at += digits.length;
    this.eat('_'); // stands before a name that begins with a digit or _
    const end = this.at + Number(digits);
    if (end > this.input.length) throw new Malformed();
    const name = this.input.slice(this.at, end);
    this.at = end;
    if (!puny) return name;
    const split = name.lastIndexOf('_');
    const encoded = name.slice(split + 1);
    if (encoded === '') throw new Malformed();
    const ascii = split < 0 ? '' : name.slice(0, split);
    return decodePunycode(ascii, encoded) ?? `punycode{${ascii === '' ? '' : `${ascii}-`}${encoded}}`;
  }

  /** Hexadecimal digits up to _. */
  hex(): string {
    const end = this.input.indexOf('_', this.at);
    const digits = end < 0 ? 'none' : this.input.slice(this.at, end);
    if (!/^[0-9a-f]*$/.test(digits)) throw new Malformed();
    this.at = end + 1;
    return digits;
  }

  /** 0 where `tag` is absent, else the number after it plus 1. */
  optional62(tag: string): number {
    return this.eat(tag) ? this.number62() + 1 : 0;
  }

  /** `_` is 0, `0_` is 1, digits 0-9 a-z A-Z. Hashes are 64 bits wide: exact below 2^53. */
  number62(): number {
    if (this.eat('_')) return 0;
    let value = 0;
    for (;;) {
      const letter = this.next();
      if (letter === '_') return value + 1;
      const digit = DIGITS62.indexOf(letter);
      value = value * 62 + digit;
      if (digit < 0 || value > 2 ** 64) throw new Malformed();
    }
  }

  /** The next letter. */
  next(): string {
    const letter = this.input[this.at++];
    if (letter === undefined) throw new Malformed();
    return letter;
  }

  /** Whether the next letter is `letter`; if so it is read. */
  eat(letter: string): boolean {
    if (this.input[this.at] !== letter) return false;
    this.at++;
    return true;
  }
}
