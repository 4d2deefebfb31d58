/** Names of Rust's v0 mangling. */
import { BASIC_TYPES } from './rust-basic-types.js';
import { rustInteger, rustQuoted } from './rust-literal.js';
import { Malformed, RustV0Cursor } from './rust-v0-cursor.js';

/**
 * Rust's "v0" names (RFC 2603; grammar and printing: rustc book, "v0 Symbol Format"), printed as rustc-demangle does
 * with {:#}: without crate hashes and without the types of constants.
 *
 * Back references make a name longer than its input, and paths nest: text, steps and depth are bounded, beyond them the
 * name stays as it is.
 */
const MAX_TEXT = 65_536;
const MAX_STEPS = 100_000;
const MAX_DEPTH = 256;

/** The name that a v0 symbol stands for; null when it is none, malformed, or too long. */
export function demangleRustV0(name: string): string | null {
  // A digit after _R would be the version of a format that does not exist yet.
  const match = /^_R([A-Z][A-Za-z0-9_]*)(\.[A-Za-z0-9_.$@]*)?$/.exec(name);
  if (match === null) return null;
  const printer = new Printer(match[1]!);
  try {
    printer.symbol();
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
  return printer.text + (match[2] ?? '').replace(/\.llvm\.[0-9A-F@]+$/, '');
}

class Printer extends RustV0Cursor {
  text = '';
  #steps = 0;
  #depth = 0;
  /** Above 0: parse without printing and without following back references. */
  #silent = 0;
  /** Lifetimes that the enclosing `for<...>` name. */
  #lifetimes = 0;

  symbol(): void {
    this.#path(true);
    // The crate that instantiated a generic function.
    if (this.at < this.input.length) this.#silently(() => this.#path(false));
    if (this.at < this.input.length) throw new Malformed();
  }

  #path(inValue: boolean): void {
    this.#nested(() => {
      const tag = this.next();
      switch (tag) {
        case 'C':
          this.optional62('s');
          this.#print(this.identifier());
          break;
        case 'N':
          this.#member(inValue);
          break;
        case 'M':
        case 'X':
        case 'Y':
          if (tag !== 'Y') {
            this.optional62('s');
            this.#silently(() => this.#path(false)); // where the impl stands: nobody asks
          }
          this.#print('<');
          this.#type();
          if (tag !== 'M') {
            this.#print(' as ');
            this.#path(false);
          }
          this.#print('>');
          break;
        case 'I':
          this.#path(inValue);
          this.#print(inValue ? '::<' : '<');
          this.#list(() => this.#genericArgument(), ', ');
          this.#print('>');
          break;
        case 'B':
          this.#backReference(() => this.#path(inValue));
          break;
        default:
          throw new Malformed();
      }
    });
  }

  #member(inValue: boolean): void {
    const namespace = this.next();
    if (!/[A-Za-z]/.test(namespace)) throw new Malformed();
    this.#path(inValue);
    const disambiguator = this.optional62('s');
    const name = this.identifier();
    if (/[a-z]/.test(namespace)) {
      if (name !== '') this.#print(`::${name}`);
      return;
    }
    const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace;
    this.#print(`::{${kind}${name === '' ? '' : `:${name}`}#${disambiguator}}`);
  }

  #genericArgument(): void {
    if (this.eat('L')) this.#lifetime(this.number62());
    else if (this.eat('K')) this.#constant(false);
    else this.#type();
  }

  #type(): void {
    this.#nested(() => {
      const tag = this.next();
      const basic = BASIC_TYPES[tag];
      if (basic !== undefined) {
        this.#print(basic);
        return;
      }
      switch (tag) {
        case 'R':
        case 'Q': {
          this.#print('&');
          const lifetime = this.eat('L') ? this.number62() : 0;
          if (lifetime > 0) {
            this.#lifetime(lifetime);
            this.#print(' ');
          }
          if (tag === 'Q') this.#print('mut ');
          this.#type();
          break;
        }
        case 'P':
        case 'O':
          this.#print(tag === 'P' ? '*const ' : '*mut ');
          this.#type();
          break;
        case 'A':
        case 'S':
          this.#print('[');
          this.#type();
          if (tag === 'A') {
            this.#print('; ');
            this.#constant(true);
          }
          this.#print(']');
          break;
        case 'T':
          this.#print('(');
          if (this.#list(() => this.#type(), ', ') === 1) this.#print(',');
          this.#print(')');
          break;
        case 'F':
          this.#binder(() => this.#functionType());
          break;
        case 'D':
          this.#print('dyn ');
          this.#binder(() => this.#list(() => this.#dynTrait(), ' + '));
          if (!this.eat('L')) throw new Malformed();
          this.#dynLifetime(this.number62());
          break;
        case 'W':
          this.#type();
          this.#print(' is ');
          this.#pattern();
          break;
        case 'B':
          this.#backReference(() => this.#type());
          break;
        default:
          this.at--;
          this.#path(false);
      }
    });
  }

  #functionType(): void {
    const unsafe = this.eat('U');
    let abi = '';
    if (this.eat('K')) {
      abi = this.eat('C') ? 'C' : this.identifier().replaceAll('_', '-');
      if (!/^[\x20-\x7e]+$/.test(abi)) throw new Malformed();
    }
    this.#print(`${unsafe ? 'unsafe ' : ''}${abi === '' ? '' : `extern "${abi}" `}fn(`);
    this.#list(() => this.#type(), ', ');
    this.#print(')');
    if (this.eat('u')) return;
    this.#print(' -> ');
    this.#type();
  }

  #dynLifetime(index: number): void {
    if (index === 0) return;
    this.#print(' + ');
    this.#lifetime(index);
  }

  #dynTrait(): void {
    let open = this.#openPath();
    while (this.eat('p')) {
      this.#print(open ? ', ' : '<');
      open = true;
      this.#print(`${this.identifier()} = `);
      this.#type();
    }
    if (open) this.#print('>');
  }

  /**
   * A path whose generic arguments are left open, so that associated types can follow them. Says whether it has any.
   */
  #openPath(): boolean {
    let open = false;
    this.#nested(() => {
      if (this.eat('B')) {
        this.#backReference(() => {
          open = this.#openPath();
        });
      } else if (this.eat('I')) {
        this.#path(false);
        this.#print('<');
        this.#list(() => this.#genericArgument(), ', ');
        open = true;
      } else {
        this.#path(false);
      }
    });
    return open;
  }

  #pattern(): void {
    this.#nested(() => {
      const tag = this.next();
      if (tag === 'R') {
        this.#constant(false);
        this.#print('..=');
        this.#constant(false);
      } else if (tag === 'O') {
        this.#list(() => this.#pattern(), ' | ');
      } else if (tag === 'N') {
        this.#print('!null');
      } else {
        throw new Malformed();
      }
    });
  }

  #constant(inValue: boolean): void {
    this.#nested(() => {
      const tag = this.next();
      if ('hmtyoj'.includes(tag)) {
        this.#print(rustInteger(this.hex()));
      } else if ('aslxni'.includes(tag)) {
        this.#print((this.eat('n') ? '-' : '') + rustInteger(this.hex()));
      } else if (tag === 'p') {
        this.#print('_');
      } else if (tag === 'b') {
        const value = rustInteger(this.hex());
        if (value !== '0' && value !== '1') throw new Malformed();
        this.#print(value === '1' ? 'true' : 'false');
      } else if (tag === 'c') {
        const code = Number.parseInt(this.hex() || '0', 16);
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw new Malformed();
        this.#print(`'${rustQuoted(String.fromCodePoint(code), "'")}'`);
      } else if (tag === 'R' && this.eat('e')) {
        this.#stringLiteral();
      } else if (tag === 'B') {
        this.#backReference(() => this.#constant(inValue));
      } else {
        if (!inValue) this.#print('{');
        this.#expression(tag);
        if (!inValue) this.#print('}');
      }
    });
  }

  /** Constants that need braces among generic arguments. */
  #expression(tag: string): void {
    switch (tag) {
      case 'e':
        this.#print('*');
        this.#stringLiteral();
        break;
      case 'R':
      case 'Q':
        this.#print(tag === 'R' ? '&' : '&mut ');
        this.#constant(true);
        break;
      case 'A':
        this.#print('[');
        this.#list(() => this.#constant(true), ', ');
        this.#print(']');
        break;
      case 'T':
        this.#print('(');
        if (this.#list(() => this.#constant(true), ', ') === 1) this.#print(',');
        this.#print(')');
        break;
      case 'V':
        this.#path(true);
        this.#fields();
        break;
      default:
        throw new Malformed();
    }
  }

  #fields(): void {
    const shape = this.next();
    if (shape === 'T') {
      this.#print('(');
      this.#list(() => this.#constant(true), ', ');
      this.#print(')');
    } else if (shape === 'S') {
      this.#print(' { ');
      this.#list(() => {
        this.optional62('s');
        this.#print(`${this.identifier()}: `);
        this.#constant(true);
      }, ', ');
      this.#print(' }');
    } else if (shape !== 'U') {
      throw new Malformed();
    }
  }

  #stringLiteral(): void {
    const hex = this.hex();
    const text = Buffer.from(hex, 'hex').toString('utf8');
    if (hex.length % 2 === 1 || text.includes('\ufffd')) throw new Malformed();
    this.#print(`"${rustQuoted(text, '"')}"`);
  }

  #binder(inside: () => void): void {
    const count = this.optional62('G');
    if (this.#silent > 0) {
      inside();
      return;
    }
    if (count > this.input.length) throw new Malformed();
    if (count > 0) {
      this.#print('for<');
      for (let i = 0; i < count; i++) {
        if (i > 0) this.#print(', ');
        this.#lifetimes++;
        this.#lifetime(1);
      }
      this.#print('> ');
    }
    inside();
    this.#lifetimes -= count;
  }

  /** `index` counts from the innermost binder; 0 is an erased lifetime. */
  #lifetime(index: number): void {
    if (this.#silent > 0) return;
    const depth = this.#lifetimes - index;
    if (index === 0) this.#print("'_");
    else if (depth < 0) throw new Malformed();
    else this.#print(depth < 26 ? `'${String.fromCharCode(0x61 + depth)}` : `'_${depth}`);
  }

  #backReference(inside: () => void): void {
    const from = this.at - 1;
    const target = this.number62();
    if (target >= from) throw new Malformed();
    if (this.#silent > 0) return;
    const back = this.at;
    this.at = target;
    inside();
    this.at = back;
  }

  /** Items up to E; how many. */
  #list(item: () => void, separator: string): number {
    let count = 0;
    for (; !this.eat('E'); count++) {
      if (count > 0) this.#print(separator);
      item();
    }
    return count;
  }

  #print(text: string): void {
    if (this.#silent > 0) return;
    if (this.text.length + text.length > MAX_TEXT) throw new Malformed();
    this.text += text;
  }

  #silently(inside: () => void): void {
    this.#silent++;
    inside();
    this.#silent--;
  }

  #nested(inside: () => void): void {
    if (++this.#depth > MAX_DEPTH || ++this.#steps > MAX_STEPS) throw new Malformed();
    inside();
    this.#depth--;
  }
}
