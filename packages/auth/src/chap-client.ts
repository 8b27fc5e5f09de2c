import { ATT, type AttributeList, CHAP_ALGORITHM, MAX_ATTRIBUTE_LIST_LENGTH, METHOD, WireError } from "@sockskit/wire";

import { chapResponse } from "./chap-response.ts";
import { AuthError } from "./errors.ts";
import {
  attributeValue,
  encodeAttributes,
  failure,
  quotedText,
  readAttributes,
  saysSuccess,
  statusOctets,
} from "./internal/attributes.ts";
import { type ChapAlgorithm, algorithmOctets, takeChallenge } from "./internal/chap-algorithms.ts";
import { credentialOctets, nameOctets, unusable } from "./internal/credential-octets.ts";
import { formatOctet } from "./internal/format-octet.ts";
import type { Md5 } from "./internal/hmac-md5.ts";
import { sameOctets } from "./internal/octets.ts";
import { isMarkedChallenge, markChallenge } from "./internal/own-challenge.ts";
import type { AuthFailed, AuthStep, ClientAuthExchange, ClientAuthMethod } from "./method.ts";

/** Credentials and settings for {@link chapClient}. */
export interface ChapClientOptions {
  /** User name: 1 to 255 octets, text is sent as UTF-8; no NUL. */
  readonly username: string | Uint8Array;
  /** Password, the shared secret: not empty, text counts as UTF-8; no NUL. It is never sent. */
  readonly password: string | Uint8Array;
  /** MD5 of the platform. In Node: `(data) => createHash("md5").update(data).digest()`. */
  readonly md5: Md5;
  /** Algorithms to offer. Default `["hmac-md5"]`; `"md5"` is weak. */
  readonly algorithms?: readonly ChapAlgorithm[] | undefined;
  /**
   * Gives 16 to 239 octets of fresh randomness, 32 are good. With it the server is asked to prove that it knows
   * the password as well. Default: it is not asked.
   */
  readonly challenge?: (() => Uint8Array) | undefined;
  /**
   * Whether a server that does not prove it fails. Default false: it is let pass with a warning, because the draft
   * leaves it open and most servers cannot. One whose proof is wrong always fails.
   */
  readonly requireMutual?: boolean | undefined;
}

/**
 * Makes the client side of method 0x03, CHAP (draft-ietf-aft-socks-chap-01), as programs speak it: algorithms and
 * user name first, then the response.
 *
 * Whoever listens learns no password, but can try to guess it; what follows is not encrypted.
 *
 * @throws AuthError `ERR_SOCKS_AUTH_CREDENTIALS` (a user name that cannot be sent, a password that is empty or holds a NUL),
 * `ERR_SOCKS_BAD_OPTION` (no algorithm, an unknown one, `requireMutual` without `challenge`).
 */
export function chapClient(options: ChapClientOptions): ClientAuthMethod {
  const username = new Uint8Array(nameOctets(options.username));
  // It is never sent, so that no field limits it.
  const password = new Uint8Array(credentialOctets("password", options.password, Number.POSITIVE_INFINITY));
  if (password.length === 0) throw unusable("the password is empty; CHAP needs a secret");
  const algorithms = algorithmOctets(options.algorithms);
  const requireMutual = options.requireMutual === true;
  if (requireMutual && options.challenge === undefined) {
    throw new AuthError("ERR_SOCKS_BAD_OPTION", "requireMutual needs a source of challenges: set challenge", {
      side: "local",
    });
  }
  const { md5, challenge } = options;
  return new ChapClient({ username, password, algorithms, md5, challenge, requireMutual });
}

interface Settings {
  readonly username: Uint8Array;
  readonly password: Uint8Array;
  readonly algorithms: Uint8Array;
  readonly md5: Md5;
  readonly challenge: (() => Uint8Array) | undefined;
  readonly requireMutual: boolean;
}

class ChapClient implements ClientAuthMethod {
  readonly method: number = METHOD.challengeHandshakeAuthenticationProtocol;
  readonly name = "chap";
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  start(): ClientAuthExchange {
    return new ChapClientExchange(this.#settings);
  }
}

/** What is due from the server. */
type Due = "algorithm" | "challenge" | "status";

class ChapClientExchange implements ClientAuthExchange {
  readonly maxMessageLength: number = MAX_ATTRIBUTE_LIST_LENGTH;
  readonly #settings: Settings;
  #due: Due = "algorithm";
  #algorithm = 0;
  #identifier: number | undefined;
  #ownChallenge: Uint8Array | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  begin(): Uint8Array {
    const { algorithms, username } = this.#settings;
    return encodeAttributes([ATT.algorithms, algorithms], [ATT.userIdentity, username]);
  }

  receive(bytes: Uint8Array): AuthStep {
    const decoded = readAttributes(bytes);
    if (decoded === undefined) return { type: "incomplete" };
    if (decoded instanceof WireError) {
      return failure("ERR_SOCKS_AUTH_PROTOCOL", `broken CHAP message: ${decoded.message}`, 0, { cause: decoded });
    }
    const { value: list, byteLength: consumed } = decoded;
    const status = attributeValue(list, ATT.status);
    if (status !== undefined) return this.#finish(status, list, consumed);
    const problem = this.#takeParameters(list);
    if (problem !== undefined) return fail(problem, consumed);
    const challenge = attributeValue(list, ATT.challenge);
    if (challenge !== undefined) return this.#respond(challenge, consumed);
    if (this.#due === "challenge") return fail("the proxy sent neither a challenge nor a status", consumed);
    // The draft sends the algorithm alone and the challenge in a message of its own.
    this.#due = "challenge";
    return { type: "continue", consumed };
  }

  /** Takes algorithm and identifier; says what is wrong with them. */
  #takeParameters(list: AttributeList): string | undefined {
    if (this.#due === "status") return "the proxy sent no status after the response";
    const algorithms = attributeValue(list, ATT.algorithms);
    if (this.#due === "algorithm") {
      const [algorithm] = algorithms ?? [];
      if (algorithm === undefined || algorithms?.length !== 1) return "the proxy did not choose one algorithm";
      if (!this.#settings.algorithms.includes(algorithm)) {
        return `the proxy chose algorithm ${formatOctet(algorithm)}, which was not offered`;
      }
      this.#algorithm = algorithm;
    } else if (algorithms !== undefined) {
      return "the proxy chose an algorithm twice";
    }
    const identifier = attributeValue(list, ATT.identifier);
    if (identifier === undefined) return undefined;
    if (identifier.length !== 1 || this.#identifier !== undefined) return "the proxy sent a wrong or second identifier";
    this.#identifier = identifier[0];
    return undefined;
  }

  #respond(challenge: Uint8Array, consumed: number): AuthStep {
    const { password, md5, challenge: source } = this.#settings;
    const algorithm = this.#algorithm;
    const identifier = algorithm === CHAP_ALGORITHM.md5 ? this.#identifier : undefined;
    if (challenge.length === 0) return fail("the proxy sent an empty challenge", consumed);
    if (algorithm === CHAP_ALGORITHM.md5 && identifier === undefined) {
      return fail("the proxy sent no identifier, which algorithm MD5 needs", consumed);
    }
    if (isMarkedChallenge(challenge, password, md5)) {
      return fail("the proxy sent a challenge that a client made with this password: a reflection", consumed);
    }
    if (source !== undefined) this.#ownChallenge = markChallenge(takeChallenge(source), password, md5);
    this.#due = "status";
    const data = encodeAttributes(
      [ATT.identifier, identifier === undefined ? undefined : Uint8Array.of(identifier)],
      [ATT.response, chapResponse({ algorithm, identifier, password, challenge, md5 })],
      [ATT.challenge, this.#ownChallenge],
    );
    return { type: "send", consumed, data };
  }

  #finish(status: Uint8Array, list: AttributeList, consumed: number): AuthStep {
    if (!saysSuccess(status)) {
      const octets = Array.from(status.subarray(0, 4), formatOctet).join(" ");
      const message = `proxy rejected the user name or password (STATUS ${octets})${quotedText(list, "us-ascii")}`;
      return failure("ERR_SOCKS_AUTH_REJECTED", message, consumed);
    }
    if (this.#due !== "status") return fail("the proxy said success before it saw a response", consumed);
    if (this.#ownChallenge === undefined) return { type: "done", consumed };
    const proof = attributeValue(list, ATT.response);
    if (proof !== undefined) return this.#judge(proof, this.#ownChallenge, consumed);
    const message = "the proxy did not prove that it knows the password";
    if (this.#settings.requireMutual) return failure("ERR_SOCKS_AUTH_UNTRUSTED", message, consumed);
    return { type: "done", consumed, warning: message };
  }

  /** Judges the server's answer to our challenge; the server waits for the result. */
  #judge(proof: Uint8Array, challenge: Uint8Array, consumed: number): AuthStep {
    const { password, md5 } = this.#settings;
    const identifier = this.#identifier;
    const expected = chapResponse({ algorithm: this.#algorithm, identifier, password, challenge, md5 });
    if (sameOctets(proof, expected)) {
      return { type: "done", consumed, send: encodeAttributes([ATT.status, statusOctets("success")]) };
    }
    const send = encodeAttributes([ATT.status, statusOctets("failure")]);
    const message = "the proxy answered our challenge wrongly: it does not know the password";
    return failure("ERR_SOCKS_AUTH_UNTRUSTED", message, consumed, { send });
  }
}

function fail(message: string, consumed: number): AuthFailed {
  return failure("ERR_SOCKS_AUTH_PROTOCOL", message, consumed);
}
