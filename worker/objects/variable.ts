/** The whole number in a variable of the configuration, 1 to `max`; what is no such number is the default. */
export function wholeNumber(variable: string | undefined, max: number, byDefault: number): number {
  const value = Number(variable);
  return Number.isInteger(value) && value >= 1 && value <= max ? value : byDefault;
}
