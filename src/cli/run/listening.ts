/** Whether a daemon listens, as the kernel's table of sockets tells: connecting would be a request. */
import { readFileSync } from 'node:fs';

/** The socket's flag of one that accepts connections: __SO_ACCEPTCON in /proc/net/unix (proc_net(5)). */
const ACCEPTS = 0x10000;

/** `socket`: an abstract name, or an absolute path. True where that cannot be told. */
export function listens(socket: string, table = '/proc/net/unix'): boolean {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch {
    return true;
  }
  const name = socket.startsWith('/') ? socket : `@${socket}`;
  return text.split('\n').some((line) => {
    // Num: RefCount Protocol Flags Type St Inode Path
    const fields = /^\S+ \S+ \S+ ([0-9A-F]+) \S+ \S+ +\d+ (.*)$/.exec(line);
    return fields?.[2] === name && (Number.parseInt(fields[1]!, 16) & ACCEPTS) !== 0;
  });
}
