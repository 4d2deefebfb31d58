// Listens on the abstract name argv[2], and answers each request with the bytes of standard input; argv[3] `refuse` closes before it reads.
const { readFileSync } = require('node:fs');
const addon = require('../../../native/ptrace-napi');

const [, , name, refuse] = process.argv;
const answer = readFileSync(0);
const listener = addon.listenUnix('stream', { abstract: name }, { nonBlocking: false });
process.stdout.write('listening\n');
for (;;) {
  const client = addon.acceptUnix(listener, false);
  if (refuse === undefined) {
    addon.receiveMessage(client, Buffer.alloc(64));
    for (let at = 0; at < answer.length; ) at += addon.sendMessage(client, answer.subarray(at));
  }
  addon.closeFd(client);
}
