// A tracer that traces nothing. What it does is the first log file of the job (/fake/BEHAVIOUR); the second becomes the
// copy's content.
const addon = require('../../../native/ptrace-napi');
const { basename } = require('node:path');
const { ftruncateSync, writeSync } = require('node:fs');

const CHANNEL = 3;
const buffer = Buffer.alloc(128 * 1024);
const send = (message, fds = []) => addon.sendMessage(CHANNEL, Buffer.from(JSON.stringify(message)), fds);

function receive() {
  const message = addon.receiveMessage(CHANNEL, buffer, 250);
  if (message === null || message.bytes === 0) process.exit(0);
  return { job: JSON.parse(buffer.subarray(0, message.bytes).toString()), fds: message.fds };
}

send({ type: 'ready' });
for (;;) {
  const { job, fds } = receive();
  const { id, logFiles } = job;
  const behaviour = basename(logFiles[0] ?? 'normal');
  const [client] = fds;
  if (behaviour === 'die') process.exit(3);
  if (behaviour === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (behaviour === 'garbage') send({ type: 'captured', id });
  if (behaviour === 'fail') {
    send({ type: 'capture-failed', id, reason: 'no such\nthread' });
    send({ type: 'released', id });
  } else if (behaviour !== 'garbage') {
    addon.sendMessage(client, Buffer.from([0]));
    const memfd = addon.memfdCreate('copy');
    writeSync(memfd, JSON.stringify({ behaviour: basename(logFiles[1] ?? 'normal'), job }));
    // More than all copies may take; it has no pages.
    if (behaviour === 'large') ftruncateSync(memfd, 2 ** 31);
    const file = addon.memfdCreate('mapped');
    send({ type: 'files', id, files: [{ device: '00:01', inode: 5, path: '/lib/mapped.so' }] }, [file]);
    send({ type: 'captured', id, signal: 11, threads: 1, bytes: 10, micros: { attach: 1 }, softErrors: [] }, [memfd]);
    if (job.hold) {
      const { job: release } = receive();
      if (release.type !== 'release' || release.id !== id) process.exit(4);
    }
    send({ type: 'released', id });
    addon.closeFd(memfd);
    addon.closeFd(file);
  }
  addon.closeFd(client);
}
