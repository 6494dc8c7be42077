/** Bytes as an answer tells them: in base64, and as text where all of them were kept and are UTF-8. */
export const payloadOf = (payload: Uint8Array, length: number): { readonly payload: string; readonly payloadText: string | null } => ({
  payload: Buffer.from(payload).toString('base64'),
  payloadText: payload.length < length ? null : textOf(payload),
});

function textOf(payload: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch {
    // Not text: then the bytes alone are told.
    return null;
  }
}
