/** A core file that cannot be read, or a dump that cannot become one: says why. */
export class CoreError extends Error {
  override readonly name = 'CoreError';
}
