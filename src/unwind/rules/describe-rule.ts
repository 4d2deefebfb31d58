/** A CFI rule as text, for `--explain`. */
import type { Arch } from '../../arch/arch.js';
import type { CfiTable } from '../../objects/dwarf/cfi-table.js';
import {
  CFA_REGISTER,
  FLAG_OUTERMOST,
  FLAG_SIGNAL,
  FLAG_SIGNED,
  RULE_ENTRY,
  RULE_EXPRESSION,
  RULE_HEADER,
  RULE_OFFSET,
  RULE_REGISTER,
  RULE_SAME,
  RULE_UNDEFINED,
  RULE_VAL_OFFSET,
} from '../../objects/dwarf/rule-pool.js';

/** A rule as readelf writes its rows: `CFA=rsp+16 rbx=c-16 rip=c-8`. */
export function describeRule(table: CfiTable, at: number, arch: Arch): string {
  const words = table.pool.words;
  const word = (i: number): number => words[at + i] ?? 0;
  const name = (register: number): string => arch.registers[register]?.name ?? `#${register}`;
  const bytes = (from: number, size: number): string =>
    Buffer.from(table.section.bytes.subarray(from, from + Math.min(size, 32))).toString('hex');
  const parts = [
    word(0) === CFA_REGISTER ? `CFA=${name(word(1))}${signed(word(2))}` : `CFA=exp(${bytes(word(1), word(2))})`,
  ];
  for (let i = 0; i < word(5); i++) {
    const entry = RULE_HEADER + i * RULE_ENTRY;
    const [a, b] = [word(entry + 2), word(entry + 3)];
    parts.push(`${name(word(entry))}=${value(word(entry + 1), a, b)}`);
  }
  const flags = word(4);
  if ((flags & FLAG_SIGNAL) !== 0) parts.push('signal frame');
  if ((flags & FLAG_SIGNED) !== 0) parts.push('signed return address');
  if ((flags & FLAG_OUTERMOST) !== 0) parts.push('outermost frame');
  return parts.join(' ');

  function value(kind: number, a: number, b: number): string {
    switch (kind) {
      case RULE_UNDEFINED:
        return 'u';
      case RULE_SAME:
        return 's';
      case RULE_OFFSET:
        return `c${signed(a)}`;
      case RULE_VAL_OFFSET:
        return `v(c${signed(a)})`;
      case RULE_REGISTER:
        return name(a);
      default:
        return kind === RULE_EXPRESSION ? `exp(${bytes(a, b)})` : `vexp(${bytes(a, b)})`;
    }
  }
}

function signed(offset: number): string {
  return offset < 0 ? `${offset}` : `+${offset}`;
}
