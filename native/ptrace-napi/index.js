'use strict';

/**
 * Loads the addon's binary. The first file that loads is taken:
 * - $PTRACE_NAPI_BINARY, and then nothing else;
 * - prebuilds/linux-ARCH/ptrace.node, as a package that brings binaries along lays them out;
 * - build/ptrace.node, what build.mjs makes.
 */
const { join } = require('node:path');

const explicit = process.env.PTRACE_NAPI_BINARY;
const candidates = explicit
  ? [explicit]
  : [join(__dirname, 'prebuilds', `linux-${process.arch}`, 'ptrace.node'), join(__dirname, 'build', 'ptrace.node')];

function load() {
  const tried = [];
  for (const path of candidates) {
    const target = { exports: {} };
    try {
      process.dlopen(target, path);
      return target.exports;
    } catch (error) {
      tried.push(`  ${path}: ${error.message}`);
    }
  }
  const hint = 'Build it with "node build.mjs" in the ptrace-napi package.';
  throw Object.assign(
    new Error(`ptrace-napi: no usable binary for linux-${process.arch}. Tried:\n${tried.join('\n')}\n${hint}`),
    { code: 'ERR_ADDON_NOT_FOUND' },
  );
}

module.exports = load();
