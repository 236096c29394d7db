/** The character encoding of a file: guessed, and turned into UTF-8, in which pieces can be cut at line ends. */

export const ENCODINGS = { "utf-8": "UTF-8", "utf-16le": "UTF-16", "utf-16be": "UTF-16 BE", "euc-kr": "CP949 (EUC-KR)", "windows-1252": "Windows-1252" };

/** The name that the service and Python have for an encoding. */
export const SERVICE_NAMES = { "utf-16le": "utf-16", "utf-16be": "utf-16", "euc-kr": "cp949", "windows-1252": "cp1252" };

/**
 * The encoding that the first bytes of a file seem to have: by its mark, else the first one in which they are valid.
 * @param {Uint8Array} bytes
 */
export function guessedEncoding(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes.includes(0)) return "utf-8"; // no text: the service says what it is
  return ["utf-8", "euc-kr"].find((encoding) => isValid(bytes, encoding)) ?? "windows-1252";
}

function isValid(bytes, encoding) {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true }); // the last character may be cut
    return true;
  } catch {
    return false;
  }
}

/** The characters of the first bytes of a file. */
export const decodedHead = (bytes, encoding) => new TextDecoder(encoding).decode(bytes, { stream: true });

/**
 * The file in UTF-8, itself if it is.
 * @param {File} file
 */
export async function inUtf8(file, encoding) {
  if (encoding === "utf-8") return file;
  return new File([new TextDecoder(encoding).decode(await file.arrayBuffer())], file.name);
}
