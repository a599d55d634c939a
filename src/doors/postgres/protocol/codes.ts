/** The first bytes of messages (PostgreSQL documentation, "Message Formats"), and what a client may send. */

export const Client = {
  bind: 0x42, // B
  close: 0x43, // C
  describe: 0x44, // D
  execute: 0x45, // E
  functionCall: 0x46, // F
  flush: 0x48, // H
  parse: 0x50, // P
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
  copyDone: 0x63, // c
  copyData: 0x64, // d
  copyFail: 0x66, // f
  /** Password, or a step of SASL. */
  password: 0x70, // p
} as const;

export const Server = {
  parseComplete: 0x31, // 1
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  notification: 0x41, // A
  commandComplete: 0x43, // C
  dataRow: 0x44, // D
  error: 0x45, // E
  copyInResponse: 0x47, // G
  backendKeyData: 0x4b, // K
  notice: 0x4e, // N
  authentication: 0x52, // R
  parameterStatus: 0x53, // S
  negotiateVersion: 0x76, // v
  readyForQuery: 0x5a, // Z
} as const;

/** The byte of ReadyForQuery. */
export const Status = {
  idle: 0x49, // I
  transaction: 0x54, // T
  failed: 0x45, // E
} as const;

/** What the packet without a type asks for. */
export const StartupCode = {
  protocol3: 3,
  cancel: 80_877_102,
  tls: 80_877_103,
  gss: 80_877_104,
} as const;
