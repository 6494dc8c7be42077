/** A broker's address as it may stand in a log or an answer: without the user and password that may be in it. */
export function plainAddress(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.toString();
}
