// For node --require: the calls of the addon that say when a target stands still and how the tracer is scheduled, on
// standard output.
const { writeSync } = require('node:fs');

const open = process.dlopen;
process.dlopen = (target, ...rest) => {
  open(target, ...rest);
  const addon = target.exports;
  const recorded = (name, told) => ({
    [name]: (...args) => {
      writeSync(1, `${name} ${told(args)}\n`);
      return addon[name](...args);
    },
  });
  target.exports = {
    ...addon,
    ...recorded('goFirst', ([first]) => first),
    // Threads, milliseconds.
    ...recorded('freeze', ([tids, ms]) => `${tids.length} ${ms}`),
    ...recorded('detachAll', () => ''),
  };
};
