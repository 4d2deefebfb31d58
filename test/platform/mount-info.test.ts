import { describe, expect, it } from 'vitest';
import { parseMountTypes } from '../../src/platform/mount-info.js';

describe('parseMountTypes', () => {
  it('has the type of each device, numbers as maps has them', () => {
    const text = [
      '24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=1k',
      '27 1 254:16 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard',
      '99 27 0:300 / /home/a\\040-\\040b rw,nosuid - fuse.sshfs host:/x - y rw,user_id=1000',
    ];
    expect(parseMountTypes(text.join('\n'))).toEqual(
      new Map([
        ['00:06', 'devtmpfs'],
        ['fe:10', 'ext4'],
        ['00:12c', 'fuse.sshfs'],
      ]),
    );
  });

  it('leaves out what is no such line', () => {
    const line = '24 27 0:6 / /dev rw - tmpfs dev rw';
    for (let length = 0; length < line.indexOf('tmpfs'); length++)
      expect(parseMountTypes(line.slice(0, length)).size).toBe(0);
    expect(parseMountTypes(`x\n\n${line}\n- - -\n`)).toEqual(new Map([['00:06', 'tmpfs']]));
  });
});
