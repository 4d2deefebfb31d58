# Runs in the guest: npm run test:arm64 -- --command 'sh test/arm64/leave-dumps.sh'
# Crashes programs of arm64, arm and thumb under a daemon and leaves their dumps in .cache/arm64-shared/lldb, where test/e2e/lldb.test.ts looks.
set -eu
out=/shared/lldb
dir=/tmp/tombstones
rm -rf "$out"
mkdir -p "$out"
dist/bin/debuggerd --socket leave-dumps --tombstone-dir $dir >/tmp/daemon.log 2>&1 &
daemon=$!
until grep -q 'listening on' /tmp/daemon.log; do sleep 0.1; done

# The dump appears before its tombstone.
take() {
  until [ -e $dir/tombstone_00 ]; do sleep 0.1; done
  cp $dir/tombstone_00.dmp "$out/$1.dmp"
  cp $dir/tombstone_00 "$out/$1.txt"
  rm $dir/tombstone_00.dmp $dir/tombstone_00
}

for arch in arm64 arm thumb; do
  library=$PWD/dist/lib/$arch/libdebuggerd_client.so
  if [ $arch = thumb ]; then library=$PWD/dist/lib/arm/libdebuggerd_client.so; fi
  for program in thread-of-twenty null-write stack-overflow dlopen-library; do
    DEBUGGERD_SOCKET=leave-dumps LD_PRELOAD=$library test/programs/build/$arch/$program >/dev/null 2>&1 || true
    take $arch-$program
  done
  mkfifo /tmp/$arch.input
  test/programs/build/$arch/live </tmp/$arch.input >/tmp/$arch.live &
  live=$!
  exec 9>/tmp/$arch.input
  until grep -q '^ready' /tmp/$arch.live; do sleep 0.1; done
  dist/bin/debuggerd --socket leave-dumps $live
  take $arch-live
  dist/bin/debuggerd --socket leave-dumps -m --full $live /tmp/$arch-full.dmp
  cp /tmp/$arch-full.dmp "$out/$arch-full.dmp"
  exec 9>&-
  wait $live
done
kill $daemon
cat /tmp/daemon.log
