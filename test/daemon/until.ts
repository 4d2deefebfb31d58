/** Waits until a condition holds; fails with its name when it does not within `ms`. */
export async function until(condition: () => boolean | Promise<boolean>, name: string, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
