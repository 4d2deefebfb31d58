// An engraver that engraves nothing. What it does stands in the copy.
const addon = require('../../../native/ptrace-napi');
const { fstatSync, readSync, writeSync } = require('node:fs');

const JOB_BYTES = 64 * 1024;

const CHANNEL = 3;
const buffer = Buffer.alloc(128 * 1024);
const send = (message) => addon.sendMessage(CHANNEL, Buffer.from(JSON.stringify(message)));
const files = [];

send({ type: 'ready' });
for (;;) {
  const message = addon.receiveMessage(CHANNEL, buffer, 253);
  if (message === null || message.bytes === 0) process.exit(0);
  const order = JSON.parse(buffer.subarray(0, message.bytes).toString());
  if (order.type === 'files') {
    files.push(...order.files);
  } else {
    engrave(order, message.fds);
    files.length = 0;
  }
  for (const fd of message.fds) addon.closeFd(fd);
}

function engrave({ id, outputs }, [memfd, ...fds]) {
  const content = Buffer.alloc(JOB_BYTES);
  readSync(memfd, content, 0, content.length, 0);
  const { behaviour, job } = JSON.parse(content.toString().replace(/\0+$/, ''));
  // What it wrote tells its successor that this is the second try.
  const second = fds.some((fd) => fstatSync(fd).size > 0);
  if (behaviour === 'die' || (behaviour === 'die-once' && !second)) {
    writeSync(fds[0], 'half of a', 0);
    throw new Error('the dump did\nthis to me');
  }
  if (behaviour === 'hang') return;
  if (behaviour === 'lie') return send({ type: 'engraved', id: id + 1 });
  if (behaviour === 'fail') return send({ type: 'engrave-failed', id, reason: 'not a minidump' });
  for (const [at, kind] of outputs.entries()) {
    const text =
      behaviour === 'empty'
        ? ''
        : `${kind} of pid ${job.pid} tid ${job.tid}${job.asker ? ', owner only,' : ''} with ${files.map(({ path }) => path)}\n`;
    writeSync(fds[at], behaviour === 'long' ? text.repeat(200_000) : text, 0);
  }
  send({
    type: 'engraved',
    id,
    topFrame: '#00 f\u001b[2J\n',
    signal: 'SIGSEGV',
    threads: 1,
    frames: 2,
    micros: {},
    softErrors: [],
  });
}
