// Listens on the abstract name argv[2], and answers each request with the bytes argv[3] (hex); `refuse` closes before it reads.
const addon = require('../../../native/ptrace-napi');

const [, , name, answer] = process.argv;
const listener = addon.listenUnix('stream', { abstract: name }, { nonBlocking: false });
process.stdout.write('listening\n');
for (;;) {
  const client = addon.acceptUnix(listener, false);
  if (answer !== 'refuse') {
    addon.receiveMessage(client, Buffer.alloc(64));
    const bytes = Buffer.from(answer, 'hex');
    for (let at = 0; at < bytes.length; ) at += addon.sendMessage(client, bytes.subarray(at));
  }
  addon.closeFd(client);
}
