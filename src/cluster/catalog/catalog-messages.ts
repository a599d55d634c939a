/** What nodes say to each other about the catalog: small JSON documents, checked here. */

export type CatalogRequest =
  /** Has the leader carry out `request` with the section's handler. */
  | { readonly type: 'change'; readonly section: string; readonly request: unknown }
  /** Asks the leader for the section's version now. */
  | { readonly type: 'version'; readonly section: string }
  /** Is answered when the node has applied this version of the section. */
  | { readonly type: 'await'; readonly section: string; readonly version: number };

export type CatalogReply =
  | { readonly type: 'done'; readonly version: number; readonly reply: unknown }
  /** Nothing was changed, and asking again would not help. */
  | { readonly type: 'refused'; readonly text: string; readonly detail: unknown }
  /** Nothing was changed: the node does not lead the metadata group. */
  | { readonly type: 'again' }
  | { readonly type: 'unknown'; readonly text: string };

export function encode(message: CatalogRequest | CatalogReply): Buffer {
  return Buffer.from(JSON.stringify(message), 'utf8');
}

/** Null when the bytes are no request of this version. */
export function decodeRequest(bytes: Buffer): CatalogRequest | null {
  const value = parse(bytes);
  if (value === null || typeof value['section'] !== 'string') return null;
  if (value['type'] === 'change' || value['type'] === 'version') return value as unknown as CatalogRequest;
  if (value['type'] === 'await' && Number.isSafeInteger(value['version'])) return value as unknown as CatalogRequest;
  return null;
}

/** Null when the bytes are no reply of this version. */
export function decodeReply(bytes: Buffer): CatalogReply | null {
  const value = parse(bytes);
  if (value === null) return null;
  switch (value['type']) {
    case 'done':
      return Number.isSafeInteger(value['version']) ? (value as unknown as CatalogReply) : null;
    case 'refused':
    case 'unknown':
      return typeof value['text'] === 'string' ? (value as unknown as CatalogReply) : null;
    case 'again':
      return { type: 'again' };
    default:
      return null;
  }
}

function parse(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    // Not JSON: the caller refuses it.
    return null;
  }
}
