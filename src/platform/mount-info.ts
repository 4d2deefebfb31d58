/**
 * /proc/PID/mountinfo (proc_pid_mountinfo(5)): what kind of file system is behind a device number. Blanks in paths are printed as
 * `\040`, so that ` - ` ends the part with the paths.
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 */

const LINE = /^\d+ \d+ (\d+):(\d+) .*? - (\S+)/gm;

/** Types (`ext4`, `fuse.sshfs`, ...) by device, which is written as in /proc/PID/maps (`fd:01`). What does not parse is left out. */
export function parseMountTypes(text: string): Map<string, string> {
  const types = new Map<string, string>();
  for (const [, major, minor, type] of text.matchAll(LINE)) types.set(`${hex(major!)}:${hex(minor!)}`, type!);
  return types;
}

function hex(decimal: string): string {
  return Number(decimal).toString(16).padStart(2, '0');
}
