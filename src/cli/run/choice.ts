/** Which handler a program can load, or why it can load none. */
import type { ProgramFile } from './program-file.js';

export interface Choice {
  /** The client library; null: none can be loaded. */
  readonly library: string | null;
  /** What the user has to know; null: nothing. */
  readonly warning: string | null;
}

/**
 * `find`: the absolute path of a file of the installation's lib/, or null. `hostArch`: whose library lies in lib/
 * itself.
 */
export function chooseLibrary(
  program: ProgramFile | null,
  hostArch: string,
  find: (name: string) => string | null,
): Choice {
  const library = 'libdebuggerd_client.so';
  // What cannot be looked into may work; the dynamic linker says so if not.
  if (program === null) return { library: find(library), warning: null };
  const { path, arch, linker, elevated } = program;
  const none = (why: string): Choice => ({
    library: null,
    warning: `${path}: no crash of it will be reported: ${why}`,
  });
  if (linker === null) return none('it is linked statically; link it with libdebuggerd_client.a');
  if (elevated) return none('it is setuid or setgid, and preloads only what /etc/ld.so.preload names');
  if (arch === null) return none('there is no handler for its CPU');
  const folder = arch === hostArch ? '' : `${arch}/`;
  const musl = /(^|\/)ld-musl-[^/]*$/.test(linker);
  const found = (musl ? find(`${folder}musl/${library}`) : null) ?? find(`${folder}${library}`);
  if (found !== null) return { library: found, warning: null };
  return none(`the handler for ${arch} programs is not installed (npm run build -- --all-targets)`);
}
