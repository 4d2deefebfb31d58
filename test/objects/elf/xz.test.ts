import { beforeAll, describe, expect, it } from 'vitest';
import { ElfError } from '../../../src/objects/elf/elf-error.js';
import { decompressXz, prepareXz } from '../../../src/objects/elf/xz.js';
import { buildXz, fox } from './xz-builder.js';

/** xz -9e --check=crc32 of 2 MiB of zeros. */
const ZEROS =
  '/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN' +
  '2X+m44wjEVPgWRjFdYrid/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiU' +
  'cR89jyThcJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJY' +
  'vul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vua' +
  'MC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1T' +
  'PfgpZAk7gMsqbN+1O/DEvEgn5liAAO0ABQAcpiTxAAAAfoeJjQABjwOAgIABZg37Kz4wDYsCAAAAAAFZWg==';

const foxText = Array.from({ length: 40 }, (_, i) => `the quick brown fox ${i + 1}\n`).join('');

const text = (result: Uint8Array | ElfError): string =>
  result instanceof ElfError ? `error: ${result.message}` : Buffer.from(result).toString('latin1');

describe('decompressXz', () => {
  it('says so when nobody prepared it', async () => {
    // A module of its own: test files share a process, and another one may have prepared this one's.
    const path = '../../../src/objects/elf/xz.js?unprepared';
    const unprepared: typeof import('../../../src/objects/elf/xz.js') = await import(path);
    expect(unprepared.decompressXz(fox)).toMatchObject({ message: 'xz: the decompressor was not prepared' });
  });

  describe('prepared', () => {
    beforeAll(() => prepareXz());

    it('what the xz command wrote', () => expect(text(decompressXz(fox))).toBe(foxText));

    it('blocks one after the other', () => {
      const blocks = Array.from({ length: 20 }, (_, i) => Buffer.from(`block ${i} `.repeat(100)));
      expect(text(decompressXz(buildXz(blocks)))).toBe(Buffer.concat(blocks).toString());
    });

    it('more than one buffer of input and output', () => {
      const bytes = Buffer.alloc(300_000, 'abcdefg');
      expect(Buffer.from(decompressXz(buildXz([bytes])) as Uint8Array).equals(bytes)).toBe(true);
    });

    it('nothing', () => expect(text(decompressXz(buildXz([])))).toBe(''));

    it('refuses what grows beyond all proportion', () => {
      expect(text(decompressXz(Buffer.from(ZEROS, 'base64')))).toMatch(/^error: xz: more than 1048576 bytes from/);
    });

    it('truncated at every byte', () => {
      const whole = buildXz([Buffer.from('some text'), Buffer.from('more')]);
      for (let length = 0; length < whole.length; length++) {
        expect(decompressXz(whole.subarray(0, length)), `${length}`).toBeInstanceOf(ElfError);
      }
      for (let length = 0; length < fox.length; length++) {
        expect(decompressXz(fox.subarray(0, length)), `${length}`).toBeInstanceOf(ElfError);
      }
    });

    it('each byte changed: an error, or the text', () => {
      for (let at = 0; at < fox.length; at++) {
        const broken = Buffer.from(fox);
        broken[at]! ^= 0x55;
        const result = decompressXz(broken);
        if (!(result instanceof ElfError)) expect(text(result)).toBe(foxText);
      }
      expect(text(decompressXz(fox))).toBe(foxText);
    });

    it('refuses a dictionary that no file needs', () => {
      const huge = buildXz([Buffer.from('x')]);
      // Filter properties: dictionary size code; 40 is 4 GiB. The header's CRC comes after, so it is refused either
      // way.
      huge[16] = 40;
      expect(decompressXz(huge)).toBeInstanceOf(ElfError);
    });
  });
});
