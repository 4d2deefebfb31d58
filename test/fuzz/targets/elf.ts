/** Any bytes as an ELF image: its headers, sections, notes, names, compressed contents. */
import { deflateSync } from 'node:zlib';
import { BufferSource } from '../../../src/bytes/byte-source.js';
import { ElfFile } from '../../../src/objects/elf/elf-file.js';
import { buildElf, buildIdNote, stringTable, words } from '../../objects/elf/elf-builder.js';

export function seeds(): Uint8Array[] {
  const names = stringTable(['libfoo.so']);
  return ([32, 64] as const).map((bits) => {
    const size = bits === 64 ? 8 : 4;
    const content = new Uint8Array(300);
    const chdr = bits === 64 ? Buffer.concat([words(4, 1, 0), words(8, 300, 1)]) : words(4, 1, 300, 1);
    return buildElf({
      bits,
      sections: [
        { name: '.note.gnu.build-id', type: 7, bytes: buildIdNote(new Uint8Array(20)) },
        { name: '.dynstr', type: 3, addr: 0x1000, bytes: names.bytes },
        { name: '.dynamic', type: 6, addr: 0x2000, bytes: words(size, 5, 0x1000, 10, 11, 14, 1, 0, 0) },
        { name: '.debug_frame', flags: 0x800, bytes: Buffer.concat([chdr, deflateSync(content)]) },
      ],
      segments: [
        { type: 1, section: '.dynstr' },
        { type: 2, section: '.dynamic' },
        { type: 4, section: '.note.gnu.build-id' },
        { type: 1, flags: 5, offset: 0x100, vaddr: 0x3000, filesz: 0x40 },
      ],
    }).bytes;
  });
}

export function target(bytes: Uint8Array): string {
  const elf = ElfFile.parse(new BufferSource(bytes));
  if (!(elf instanceof ElfFile)) return elf.message.replace(/\d+/g, 'N');
  let readable = 0;
  for (const section of elf.sections) if (elf.contents(section).length > 0) readable++;
  elf.offsetOf(elf.entry);
  return `${elf.bits} ${elf.segments.length} ${elf.sections.length} ${readable} ${elf.buildId !== null} ${elf.soname !== null}`;
}
