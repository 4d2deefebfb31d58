// Listens on the abstract name argv[2], and answers each request with the bytes of standard input. argv[3]: `reset`
// leaves the request unread, `echo` answers with the ack and the request's bytes as hexadecimal digits.
const { readFileSync } = require('node:fs');
const addon = require('../../../native/ptrace-napi');

/** recv(2). */
const MSG_PEEK = 2;

const [, , name, mode] = process.argv;
const answer = readFileSync(0);
const listener = addon.listenUnix('stream', { abstract: name }, { nonBlocking: false });
process.stdout.write('listening\n');

function answerOf(client) {
  const request = Buffer.alloc(64);
  if (mode === 'reset') {
    // Not before it is there: what comes after the end is another failure.
    addon.receiveMessage(client, request, 0, MSG_PEEK);
    return answer;
  }
  const { bytes } = addon.receiveMessage(client, request);
  return mode === 'echo' ? Buffer.from(`\0${request.toString('hex', 0, bytes)}`) : answer;
}

for (;;) {
  const client = addon.acceptUnix(listener, false);
  const bytes = answerOf(client);
  for (let at = 0; at < bytes.length; ) at += addon.sendMessage(client, bytes.subarray(at));
  addon.closeFd(client);
}
