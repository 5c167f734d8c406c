/** Byte-level BPE writes every byte as one printable character (openai/gpt-2 encoder.py, bytes_to_unicode). */
const byteOf = new Map<string, number>();
{
  let spare = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    byteOf.set(String.fromCharCode(printable ? byte : spare++), byte);
  }
}

const wordEnd = /<\/w>/g;

/** Vocabulary entries to the text they stand for. Bytes that are no UTF-8 become U+FFFD. */
export function decodeTokens(tokens: readonly string[]): string {
  const bytes: number[] = [];
  for (const token of tokens) {
    const own = Array.from(token, (character) => byteOf.get(character));
    if (own.every((byte) => byte !== undefined)) bytes.push(...own);
    else bytes.push(...Buffer.from(token));
  }
  return Buffer.from(bytes).toString('utf8').replace(wordEnd, ' ').trim();
}
