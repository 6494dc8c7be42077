import type { Socket } from 'node:net';
import type { AuthenticateError, Client } from 'aedes';
import type { Logger } from 'pino';
import type { BrokerLimits, BrokerStats } from './broker-limits.ts';
import type { Peers } from './broker-peers.ts';
import { SignInLimits } from './sign-in-limits.ts';

export interface SignInOptions {
  /** Does the secret belong to the gateway? Signing in is refused while it rejects. */
  authenticateGateway(id: string, secret: string): Promise<boolean>;
  /** Lets clients in without a name, for tests: they may publish for every meter. */
  readonly allowAnonymous?: boolean;
  /** What stands for the gateway's secret now, null without one: when it changes, `recheck` ends the connections made with the former. */
  credential?(id: string): Promise<string | null>;
  readonly logger: Logger;
}

type Answer = (error: AuthenticateError | null, success: boolean | null) => void;

/** Who may come in, and who has to leave. */
export class BrokerSignIn {
  readonly #options: SignInOptions;
  readonly #limits: BrokerLimits;
  readonly #stats: BrokerStats;
  readonly #peers: Peers;
  readonly #failures: SignInLimits;
  /** Connections that have not signed in yet, by address. */
  readonly #strangers = new Map<string, number>();
  /** Counts the calls of `recheck`. */
  #rechecks = 0;
  #closing = false;

  constructor(options: SignInOptions, limits: BrokerLimits, stats: BrokerStats, peers: Peers) {
    this.#options = options;
    this.#limits = limits;
    this.#stats = stats;
    this.#peers = peers;
    this.#failures = new SignInLimits(limits);
  }

  /** A connection is made; false when its address has too many that nobody knows yet. */
  strangerComes(address: string): boolean {
    const strangers = this.#strangers.get(address) ?? 0;
    if (strangers >= this.#limits.strangersPerAddress) return false;
    this.#strangers.set(address, strangers + 1);
    return true;
  }

  /** It has signed in, or gone without. */
  noStranger(address: string): void {
    const left = (this.#strangers.get(address) ?? 1) - 1;
    if (left <= 0) this.#strangers.delete(address);
    else this.#strangers.set(address, left);
  }

  /** Nobody signs in any more. */
  close(): void {
    this.#closing = true;
  }

  async signIn(client: Client, username: string | undefined, password: Buffer | undefined, done: Answer): Promise<void> {
    const { allowAnonymous, logger } = this.#options;
    const address = addressOf(client);
    if (username === undefined && allowAnonymous === true) {
      this.#peers.welcome(client, null, null);
      this.noStranger(address);
      return done(null, true);
    }
    const refuse = (why: string, answer: AuthenticateError | null): void => {
      this.#stats.signInsRefused++;
      logger.warn({ gateway: username, client: client.id, address, why }, 'sign-in refused');
      done(answer, false);
    };
    const fail = (why: string): void => refuse(why, null);
    const putOff = (why: string): void => refuse(why, unavailable(why));
    if (username === undefined || password === undefined) return fail('anonymous');
    if (!this.#failures.mayTry(address, username, performance.now())) return putOff('too many failures');
    let answer: { readonly known: boolean; readonly credential: string | null };
    try {
      answer = await this.#check(username, password.toString('utf8'));
    } catch (error) {
      logger.error({ err: error, gateway: username }, 'a gateway could not be checked');
      return putOff('not checked');
    }
    if (!answer.known) {
      this.#failures.failed(address, username, performance.now());
      return fail('wrong name or secret');
    }
    this.#failures.succeeded(address, username);
    if (this.#closing || client.conn.destroyed) return putOff('closing');
    if (this.#peers.connectionsOf(username) >= this.#limits.connectionsPerGateway) return putOff('too many connections of this gateway');
    // A client id is taken over by whoever comes with the same one; nobody shall push out another gateway. aedes declares it read-only.
    (client as { id: string }).id = `${username}/${client.id}`;
    this.#peers.welcome(client, username, answer.credential);
    this.noStranger(address);
    done(null, true);
  }

  /** Ends the connections of gateways whose secret was changed or is gone. To be called when the registry has changed. */
  async recheck(): Promise<void> {
    const { credential, logger } = this.#options;
    if (credential === undefined) return;
    this.#rechecks++;
    for (const [gateway, peers] of this.#peers.gateways) {
      const now = this.#peers.connectionsOf(gateway) === 0 ? null : await credential(gateway);
      for (const peer of peers) {
        if (now !== null && peer.credential === now) continue;
        this.#stats.revoked++;
        logger.warn({ gateway, client: peer.client.id }, 'connection ended: the secret is not valid any more');
        peer.client.close();
      }
    }
  }

  /** Asked again when the registry changed meanwhile, as `recheck` knows only who has signed in. */
  async #check(gateway: string, secret: string): Promise<{ known: boolean; credential: string | null }> {
    for (;;) {
      const before = this.#rechecks;
      const credential = (await this.#options.credential?.(gateway)) ?? null;
      const known = await this.#options.authenticateGateway(gateway, secret);
      if (!known || before === this.#rechecks) return { known, credential };
    }
  }
}

/**
 * Answered with CONNACK code 3, server unavailable: the gateway is to come again later. With code 5, not authorized, whoever looks for the
 * fault would look for it in the secret, and some gateways give up.
 */
const unavailable = (why: string): AuthenticateError => Object.assign(new Error(why), { returnCode: 3 as AuthenticateError['returnCode'] });

const addressOf = ({ conn }: Client): string => (conn as Socket).remoteAddress ?? '';
