/**
 * Runs call frame instructions into rows. Sources: DWARF 4 §6.4.2 and §7.23; GNU's DW_CFA_GNU_args_size,
 * negative_offset_extended and MIPS advance_loc8 (binutils' dwarf2.def); "DWARF for the Arm 64-bit Architecture" for
 * DW_CFA_AARCH64_negate_ra_state.
 */
import type { Cursor } from './cursor.js';
import { DwarfError } from './dwarf-error.js';
import { type PointerBases, readPointer } from './encoded-pointer.js';
import type { Cie } from './frame-entry.js';
import type { RegisterMap } from './register-map.js';
import type { RowState } from './row-state.js';
import {
  CFA_EXPRESSION,
  CFA_REGISTER,
  RULE_EXPRESSION,
  RULE_OFFSET,
  RULE_REGISTER,
  RULE_UNDEFINED,
  RULE_VAL_EXPRESSION,
  RULE_VAL_OFFSET,
} from './rule-pool.js';

/** Deeper remember_state nesting than any compiler writes. */
const MAX_REMEMBERED = 64;

const NAMED = {
  nop: 0x00,
  setLoc: 0x01,
  advanceLoc1: 0x02,
  advanceLoc2: 0x03,
  advanceLoc4: 0x04,
  offsetExtended: 0x05,
  restoreExtended: 0x06,
  undefined: 0x07,
  sameValue: 0x08,
  register: 0x09,
  rememberState: 0x0a,
  restoreState: 0x0b,
  defCfa: 0x0c,
  defCfaRegister: 0x0d,
  defCfaOffset: 0x0e,
  defCfaExpression: 0x0f,
  expression: 0x10,
  offsetExtendedSf: 0x11,
  defCfaSf: 0x12,
  defCfaOffsetSf: 0x13,
  valOffset: 0x14,
  valOffsetSf: 0x15,
  valExpression: 0x16,
  mipsAdvanceLoc8: 0x1d,
  aarch64NegateRaStateWithPc: 0x2c,
  aarch64NegateRaState: 0x2d,
  gnuArgsSize: 0x2e,
  gnuNegativeOffsetExtended: 0x2f,
} as const;

/** What a program works on. */
export interface ProgramContext {
  readonly cursor: Cursor;
  readonly bases: PointerBases;
  readonly cie: Cie;
  readonly registers: RegisterMap;
  readonly row: RowState;
  /** The row after the CIE's instructions; null while those run. */
  readonly initial: RowState | null;
}

/**
 * Runs the instructions between the positions `from` and `to`.
 *
 * @param start address of the first row
 * @param onRow called before the location moves: the row in `context.row` is valid for [from, to)
 * @returns address of the last row, whose end is the caller's to know; or what is wrong, after the rows before it were
 * given
 */
export function runProgram(
  context: ProgramContext,
  from: number,
  to: number,
  start: number,
  onRow: (from: number, to: number) => void,
): number | DwarfError {
  const { cursor, cie, registers, row, initial } = context;
  const remembered: RowState[] = [];
  let location = start;
  cursor.range(from, to);
  while (cursor.remaining > 0) {
    const at = cursor.at;
    const byte = cursor.u8();
    const operand = byte & 0x3f;
    let next = location;
    let bad = '';
    switch (byte & 0xc0) {
      case 0x40:
        next = location + operand * cie.codeAlign;
        break;
      case 0x80:
        bad = setOffset(context, RULE_OFFSET, registers.indexOf(operand), cursor.uleb() * cie.dataAlign);
        break;
      case 0xc0:
        if (initial === null) bad = 'restore in a CIE';
        else row.restore(registers.indexOf(operand), initial);
        break;
      default:
        switch (byte) {
          case NAMED.nop:
            break;
          case NAMED.setLoc:
            next = readPointer(cursor, cie.addressEncoding, context.bases, start);
            break;
          case NAMED.advanceLoc1:
            next = location + cursor.u8() * cie.codeAlign;
            break;
          case NAMED.advanceLoc2:
            next = location + cursor.u16() * cie.codeAlign;
            break;
          case NAMED.advanceLoc4:
            next = location + cursor.u32() * cie.codeAlign;
            break;
          case NAMED.mipsAdvanceLoc8:
            next = location + cursor.u64() * cie.codeAlign;
            break;
          case NAMED.rememberState:
            if (remembered.length === MAX_REMEMBERED) bad = 'too many remembered states';
            else remembered.push(row.clone());
            break;
          case NAMED.restoreState: {
            // Without a remembered state there is nothing to restore: the row stays.
            const state = remembered.pop();
            if (state !== undefined) row.copyFrom(state);
            break;
          }
          case NAMED.aarch64NegateRaState:
          case NAMED.aarch64NegateRaStateWithPc:
            row.signed = !row.signed;
            break;
          case NAMED.gnuArgsSize:
            cursor.uleb();
            break;
          case NAMED.restoreExtended: {
            const register = registers.indexOf(cursor.uleb());
            if (initial === null) bad = 'restore in a CIE';
            else row.restore(register, initial);
            break;
          }
          default:
            bad =
              byte <= NAMED.defCfaOffsetSf && isCfa(byte)
                ? cfaInstruction(context, byte)
                : registerInstruction(context, byte);
        }
    }
    if (cursor.failed) return new DwarfError(`instruction 0x${byte.toString(16)} at ${at}: cut off or out of range`);
    if (bad !== '') return new DwarfError(`instruction 0x${byte.toString(16)} at ${at}: ${bad}`);
    if (next !== location) {
      if (!(next > location) || !Number.isSafeInteger(next))
        return new DwarfError(`instruction at ${at}: location goes back`);
      onRow(location, next);
      location = next;
    }
  }
  return location;
}

function isCfa(byte: number): boolean {
  return (
    (byte >= NAMED.defCfa && byte <= NAMED.defCfaExpression) || byte === NAMED.defCfaSf || byte === NAMED.defCfaOffsetSf
  );
}

/** Instructions that define the CFA. Returns what is wrong, or ''. */
function cfaInstruction(context: ProgramContext, byte: number): string {
  const { cursor, cie, registers, row } = context;
  if (byte === NAMED.defCfaExpression) {
    const size = cursor.uleb();
    const position = cursor.at;
    cursor.skip(size);
    row.setCfa(CFA_EXPRESSION, position, size);
    return '';
  }
  let register = row.cfaA;
  let offset = row.cfaB;
  if (byte === NAMED.defCfa || byte === NAMED.defCfaSf || byte === NAMED.defCfaRegister) {
    register = registers.indexOf(cursor.uleb());
    if (register < 0) return 'CFA in a register that is not kept';
  }
  if (byte === NAMED.defCfa || byte === NAMED.defCfaOffset) offset = cursor.uleb();
  else if (byte === NAMED.defCfaSf || byte === NAMED.defCfaOffsetSf) offset = cursor.sleb() * cie.dataAlign;
  const alone = byte !== NAMED.defCfa && byte !== NAMED.defCfaSf;
  if (alone && row.cfaKind !== CFA_REGISTER) return 'the CFA has no register';
  if (!fits(offset)) return `CFA offset ${offset}`;
  row.setCfa(CFA_REGISTER, register, offset);
  return '';
}

/** Instructions that define a register's rule. Returns what is wrong, or ''. */
function registerInstruction(context: ProgramContext, byte: number): string {
  const { cursor, cie, registers, row } = context;
  const register = registers.indexOf(cursor.uleb());
  switch (byte) {
    case NAMED.offsetExtended:
      return setOffset(context, RULE_OFFSET, register, cursor.uleb() * cie.dataAlign);
    case NAMED.offsetExtendedSf:
      return setOffset(context, RULE_OFFSET, register, cursor.sleb() * cie.dataAlign);
    case NAMED.gnuNegativeOffsetExtended:
      return setOffset(context, RULE_OFFSET, register, -cursor.uleb() * cie.dataAlign);
    case NAMED.valOffset:
      return setOffset(context, RULE_VAL_OFFSET, register, cursor.uleb() * cie.dataAlign);
    case NAMED.valOffsetSf:
      return setOffset(context, RULE_VAL_OFFSET, register, cursor.sleb() * cie.dataAlign);
    case NAMED.undefined:
      row.set(register, RULE_UNDEFINED, 0, 0);
      return '';
    case NAMED.sameValue:
      row.same(register);
      return '';
    case NAMED.register: {
      const source = registers.indexOf(cursor.uleb());
      if (register >= 0 && source < 0) row.set(register, RULE_UNDEFINED, 0, 0);
      else row.set(register, RULE_REGISTER, source, 0);
      return '';
    }
    case NAMED.expression:
    case NAMED.valExpression: {
      const size = cursor.uleb();
      const position = cursor.at;
      cursor.skip(size);
      row.set(register, byte === NAMED.expression ? RULE_EXPRESSION : RULE_VAL_EXPRESSION, position, size);
      return '';
    }
    default:
      return 'unknown instruction';
  }
}

function setOffset(context: ProgramContext, kind: number, register: number, offset: number): string {
  if (!fits(offset)) return `offset ${offset}`;
  context.row.set(register, kind, offset, 0);
  return '';
}

function fits(offset: number): boolean {
  return offset === (offset | 0);
}
