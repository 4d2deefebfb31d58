import { beforeEach, describe, expect, it } from 'vitest';
import { Inbox } from '../../src/engraver/inbox.js';

const message = (value: unknown) => Buffer.from(JSON.stringify(value));
const file = (inode: number) => ({ device: 'fd:01', inode, path: '/a' });
const files = (id: number, ...inodes: number[]) => message({ type: 'files', id, files: inodes.map(file) });
const job = (id: number, ...outputs: string[]) => message({ type: 'engrave', id, outputs });

describe('Inbox', () => {
  let closed: number[] = [];
  let inbox = new Inbox(() => {});
  beforeEach(() => {
    closed = [];
    inbox = new Inbox((fd) => closed.push(fd));
  });

  it('puts a job together from its messages', () => {
    expect(inbox.take(files(1, 7, 8), [10, 11])).toBeNull();
    expect(inbox.take(files(1, 9), [12])).toBeNull();
    expect(inbox.take(job(1, 'tombstone', 'minidump'), [20, 21, 22])).toEqual({
      id: 1,
      dump: 20,
      outputs: [
        { kind: 'tombstone', fd: 21 },
        { kind: 'minidump', fd: 22 },
      ],
      files: [
        { ...file(7), fd: 10 },
        { ...file(8), fd: 11 },
        { ...file(9), fd: 12 },
      ],
    });
    expect(inbox.take(job(2), [30])).toMatchObject({ id: 2, files: [] });
    expect(closed).toEqual([]);
  });

  it('closes the files of a job that never came', () => {
    inbox.take(files(1, 7), [10]);
    expect(inbox.take(job(2), [30])).toMatchObject({ id: 2, dump: 30, files: [] });
    inbox.take(files(3, 7), [40]);
    inbox.take(files(4, 7), [50]);
    expect(closed).toEqual([10, 40]);
  });

  it.each([
    ['no dump', job(1, 'tombstone'), []],
    ['too few outputs', job(1, 'tombstone'), [20]],
    ['too many', job(1), [20, 21]],
    ['an unknown output', job(1, 'image'), [20, 21]],
  ])('refuses a job with %s and closes all of it', (_, bytes, fds) => {
    inbox.take(files(1, 7), [10]);
    expect(inbox.take(bytes, fds)).toMatchObject({ id: 1, refused: expect.any(String) });
    expect(closed.sort()).toEqual([10, ...fds].sort());
  });

  it.each([
    'x',
    '',
    'null',
    '[]',
    '1',
    '{}',
    '{"type":"files"}',
    '{"type":"files","id":1}',
    '{"type":"files","id":1,"files":[{}]}',
    '{"type":"files","id":1,"files":[null]}',
    '{"type":"files","id":1,"files":[]}',
    '{"type":"engrave","id":0.5,"outputs":[]}',
    '{"type":"capture","id":1}',
  ])('refuses %s', (text) => {
    expect(inbox.take(Buffer.from(text), [5])).toMatchObject({ id: -1 });
    expect(closed).toEqual([5]);
  });
});
