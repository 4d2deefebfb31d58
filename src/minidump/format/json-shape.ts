/**
 * JSON from outside, checked by shape. Written by hand because it runs on the way of a crash, where the milliseconds
 * that a schema library takes to load are missed.
 */
import { MinidumpError } from './error.js';

/** Parses UTF-8 JSON; throws MinidumpError in the name of `part`. */
export function parseJson(part: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  } catch {
    throw new MinidumpError(part, 'is not JSON');
  }
}

/** An object whose fields are asked for by type; throws MinidumpError when one is missing or of another type. */
export class JsonObject {
  readonly #part: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(part: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new MinidumpError(part, 'is not a JSON object');
    }
    this.#part = part;
    this.#fields = value as Record<string, unknown>;
  }

  #field(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  /** A number of at most 64 bits in hexadecimal digits. */
  hexadecimal(name: string): string {
    const value = this.text(name);
    if (!/^[0-9a-f]{1,16}$/.test(value)) throw new MinidumpError(this.#part, `${name} is not a hexadecimal number`);
    return value;
  }

  text(name: string): string {
    const value = this.#field(name);
    if (typeof value !== 'string') throw new MinidumpError(this.#part, `${name} is not a string`);
    return value;
  }

  /** An integer of at most 2^53. */
  integer(name: string): number {
    const value = this.#field(name);
    if (!Number.isSafeInteger(value)) throw new MinidumpError(this.#part, `${name} is not an integer`);
    return value as number;
  }

  boolean(name: string): boolean {
    const value = this.#field(name);
    if (typeof value !== 'boolean') throw new MinidumpError(this.#part, `${name} is not a boolean`);
    return value;
  }

  oneOf<const T extends readonly string[]>(name: string, values: T): T[number] {
    const value = this.text(name);
    if (!values.includes(value)) throw new MinidumpError(this.#part, `${name} is none of ${values.join(', ')}`);
    return value;
  }

  texts(name: string): string[] {
    return jsonArray(this.#part, this.#field(name)).map((value) => {
      if (typeof value !== 'string') throw new MinidumpError(this.#part, `${name} has an entry that is not a string`);
      return value;
    });
  }
}

export function jsonArray(part: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new MinidumpError(part, 'is not a JSON array');
  return value;
}
