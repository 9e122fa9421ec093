/** Numbers of a byte string. What lies beyond its end reads as zeros: lengths are checked by those who read. */
export const u8 = (text: string, pos: number): number => text.charCodeAt(pos) || 0;
export const u16 = (text: string, pos: number): number => u8(text, pos) * 256 + u8(text, pos + 1);
export const u32 = (text: string, pos: number): number => u16(text, pos) * 65_536 + u16(text, pos + 2);

/** The same in the order of bytes that a file was written in. */
export function reader(little: boolean): { readonly u16: typeof u16; readonly u32: typeof u32 } {
  if (!little) return { u16, u32 };
  const low16 = (text: string, pos: number) => u8(text, pos + 1) * 256 + u8(text, pos);
  return { u16: low16, u32: (text, pos) => low16(text, pos + 2) * 65_536 + low16(text, pos) };
}
