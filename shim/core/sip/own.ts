/**
 * A copy of a string with memory of its own. The engine makes a slice as a reference into the string it was cut from, so a kept
 * Call-ID would keep its whole message. Joining makes a new flat string of which the result is the only part, one character short.
 */
export function own(text: string): string {
  return ` ${text}`.slice(1);
}
