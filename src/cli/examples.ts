/** What `--help` shows below the options: command lines that work as they stand, by command. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  run: [
    'debuggerd run -- ./server --port 80           report its crashes to the machine’s daemon',
    'debuggerd run --socket my -- make check       to a private daemon, for all that make starts',
  ],
  listen: [
    'debuggerd listen /run/debuggerd.sock          with activity_manager = "/run/debuggerd.sock" in the configuration',
  ],
  engrave: [
    'debuggerd engrave tombstone_00.dmp            the tombstone, as the daemon wrote it',
    'debuggerd engrave -b --sysroot /srv/image crash.dmp',
    '                                              backtraces of another machine’s dump, by that machine’s binaries',
    'debuggerd engrave --unwind --explain x.dmp    how each frame was found',
    'zstd -dc x.dmp.zst | debuggerd engrave -      out of a pipe',
  ],
  show: [
    'debuggerd show tombstone_00.dmp               every stream, readably',
    'debuggerd show --stream maps x.dmp            one of them',
    'debuggerd show --json x.dmp | jq .sections.modules   for programs',
  ],
  core2md: [
    'debuggerd core2md core.1234                   makes core.1234.dmp',
    'debuggerd core2md --full core - | zstd > x    all memory, streamed',
  ],
  md2core: ['debuggerd md2core tombstone_00.dmp && gdb ./program tombstone_00.core'],
};
