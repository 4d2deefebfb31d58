/**
 * Unwind rules, each kept once, as numbers in one array. A rule is
 *
 *     [cfaKind, cfaA, cfaB, returnColumn, flags, count, then per register: register, kind, a, b]
 *
 * Registers are indices in `arch.registers`. Of registers that a rule does not name only those are known that every
 * function keeps.
 */

/**
 * cfaKind: register `cfaA` + `cfaB`; or the value of the expression of `cfaB` bytes at position `cfaA` of the section.
 */
export const CFA_REGISTER = 0;
export const CFA_EXPRESSION = 1;

/**
 * Register kinds: unknown; at CFA + a; CFA + a; the value of register a; at / is the value of the expression at a, b
 * bytes long.
 */
export const RULE_UNDEFINED = 0;
export const RULE_OFFSET = 1;
export const RULE_VAL_OFFSET = 2;
export const RULE_REGISTER = 3;
export const RULE_EXPRESSION = 4;
export const RULE_VAL_EXPRESSION = 5;
/** As it is in the frame: DW_CFA_same_value, which also keeps registers that functions may change. */
export const RULE_SAME = 6;

/**
 * flags: a signal frame; the return address is signed (arm64); the return address is undefined: the outermost frame.
 */
export const FLAG_SIGNAL = 1;
export const FLAG_SIGNED = 2;
export const FLAG_OUTERMOST = 4;

export const RULE_HEADER = 6;
export const RULE_ENTRY = 4;

/** Words that one pool holds at most (64 MiB); a file that needs more is not a real one. */
const POOL_LIMIT = 1 << 24;

export class RulePool {
  /** All rules; replaced by a larger array as it grows. */
  words: Int32Array = new Int32Array(1024);
  #used = 0;
  #count = 0;
  /** Open addressing: rule offset + 1, 0 when free. */
  #slots = new Int32Array(256);

  /** Different rules. */
  get size(): number {
    return this.#count;
  }

  /** Offset of the rule in `words`; -1 when the pool is full. `rule` holds `length` words. */
  intern(rule: Int32Array, length: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash(rule, length) & mask;
    for (let found = this.#slots[slot]!; found !== 0; found = this.#slots[slot]!) {
      if (this.#equal(found - 1, rule, length)) return found - 1;
      slot = (slot + 1) & mask;
    }
    if (this.#used + length > POOL_LIMIT) return -1;
    if (this.#used + length > this.words.length) {
      const grown = new Int32Array(Math.min(POOL_LIMIT, Math.max(this.words.length * 2, this.#used + length)));
      grown.set(this.words);
      this.words = grown;
    }
    const offset = this.#used;
    for (let i = 0; i < length; i++) this.words[offset + i] = rule[i]!;
    this.#used += length;
    this.#slots[slot] = offset + 1;
    this.#count++;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return offset;
  }

  #equal(offset: number, rule: Int32Array, length: number): boolean {
    const words = this.words;
    // The count comes at the same place in both, so equal heads have equal lengths.
    for (let i = 0; i < length; i++) if (words[offset + i] !== rule[i]) return false;
    return true;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (const entry of this.#slots) {
      if (entry === 0) continue;
      const offset = entry - 1;
      const length = RULE_HEADER + RULE_ENTRY * this.words[offset + 5]!;
      let slot = hash(this.words.subarray(offset, offset + length), length) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

/** FNV-1a over words. */
function hash(words: Int32Array, length: number): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < length; i++) value = Math.imul(value ^ words[i]!, 0x01000193);
  return (value ^ (value >>> 15)) >>> 0;
}
