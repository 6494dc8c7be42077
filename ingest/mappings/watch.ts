import type { Registry } from '../../store/registry/port.ts';
import type { MappingCodec } from './codec.ts';

/** Keeps a codec at the mappings that the registry holds; `reload` is for whenever the registry may have changed. */
export class MappingWatch {
  readonly #registry: Pick<Registry, 'mappings'>;
  readonly #codec: MappingCodec;
  readonly #onTopics: (topics: readonly string[]) => Promise<void> | void;

  /** `onTopics` is told the filters to subscribe to, whenever they changed. */
  constructor(registry: Pick<Registry, 'mappings'>, codec: MappingCodec, onTopics: (topics: readonly string[]) => Promise<void> | void) {
    this.#registry = registry;
    this.#codec = codec;
    this.#onTopics = onTopics;
  }

  async reload(): Promise<void> {
    if (this.#codec.load(await this.#registry.mappings.all())) await this.#onTopics(this.#codec.topics);
  }
}
