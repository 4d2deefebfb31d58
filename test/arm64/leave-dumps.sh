# Runs in the guest: npm run test:arm64 -- --command 'sh test/arm64/leave-dumps.sh'
# Crashes programs of arm64, arm and thumb under a daemon and leaves their dumps in .cache/arm64-shared/lldb, where test/e2e/lldb.test.ts looks.
set -eu
out=/shared/lldb
rm -rf "$out"
mkdir -p "$out"
dist/bin/debuggerd --socket leave-dumps --tombstone-dir "$out" >/tmp/daemon.log 2>&1 &
daemon=$!
until grep -q 'listening on' /tmp/daemon.log; do sleep 0.1; done
for arch in arm64 arm thumb; do
  library=dist/lib/${arch%thumb}
  if [ $arch = thumb ]; then library=dist/lib/arm; fi
  for program in thread-of-twenty null-write stack-overflow dlopen-library; do
    DEBUGGERD_SOCKET=leave-dumps LD_PRELOAD=$PWD/$library/libdebuggerd_client.so test/programs/build/$arch/$program >/dev/null 2>&1 || true
    mv "$out/tombstone_00.dmp" "$out/$arch-$program.dmp"
    mv "$out/tombstone_00" "$out/$arch-$program.txt"
  done
  mkfifo /tmp/$arch.input
  test/programs/build/$arch/live </tmp/$arch.input >/tmp/$arch.live &
  live=$!
  exec 9>/tmp/$arch.input
  until grep -q '^ready' /tmp/$arch.live; do sleep 0.1; done
  dist/bin/debuggerd --socket leave-dumps $live
  dist/bin/debuggerd --socket leave-dumps -m --full $live "$out/$arch-full.dmp"
  exec 9>&-
  wait $live
  mv "$out/tombstone_00.dmp" "$out/$arch-live.dmp"
  mv "$out/tombstone_00" "$out/$arch-live.txt"
done
kill $daemon
cat /tmp/daemon.log
