/** What a decoder of bytes from outside answers: the value, or in one line what was wrong with the bytes. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export function decoded<T>(value: T): Decoded<T> {
  return { ok: true, value };
}

export function malformed(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
