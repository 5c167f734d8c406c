import { StopbathError } from '../../shared/errors.ts';
import type { Handlers } from '../../shared/rpc.ts';
import type { Adapters } from './adapters/adapters.ts';
import type { Downloads } from './downloads/downloads.ts';
import type { EngineHost } from './engineTask.ts';
import type { Host } from './host.ts';
import { knownRepos } from './hub/known.ts';
import type { ModelLibrary } from './models/libraryTypes.ts';
import { isPathLike } from './models/userPath.ts';
import type { Network } from './network/network.ts';
import type { Secret } from './secret.ts';

export interface ModelServices {
  readonly host: Pick<Host, 'pickModel'>;
  readonly engine: Pick<EngineHost, 'forecast'>;
  readonly models: ModelLibrary;
  readonly adapters: Adapters;
  readonly downloads: () => Downloads;
  readonly network: Network;
  readonly hubToken: Secret;
}

type ModelCalls = Pick<
  Handlers,
  | 'models.list'
  | 'models.look'
  | 'models.add'
  | 'models.pick'
  | 'models.known'
  | 'models.edit'
  | 'models.remove'
  | 'models.doctor'
  | 'downloads.list'
  | 'downloads.pause'
  | 'downloads.resume'
  | 'downloads.cancel'
  | 'hub.setToken'
  | 'hub.token'
  | 'network.log'
  | 'memory.forecast'
  | 'adapters.list'
>;

/** The calls about models, where they come from and what goes with them. */
export function modelHandlers({ host, engine, models, adapters, downloads, network, hubToken }: ModelServices): ModelCalls {
  return {
    'models.list': () => models.refresh(),
    'models.look': ({ at }) => (isPathLike(at) ? models.look(at) : downloads().look(at)),
    'models.add': async ({ source, variant, placement }) => {
      if (source.kind === 'path') return { modelId: await models.addPath(source.path, variant, placement), downloadId: null };
      if (placement === undefined) return await downloads().add(source, variant);
      throw new StopbathError({ code: 'INVALID_INPUT', message: 'placement: only for a file or a folder of this machine.', field: 'placement' });
    },
    'models.pick': async ({ kind }) => {
      if (host.pickModel === null) throw new StopbathError({ code: 'INVALID_INPUT', message: 'There is no dialog here.', nextStep: 'Type or paste the path.' });
      return { path: await host.pickModel(kind) };
    },
    'models.known': () => [...knownRepos],
    'models.edit': (change) => models.edit(change),
    'models.remove': async ({ id }) => ({ freedBytes: await models.remove(id) }),
    'models.doctor': ({ id, again }) => models.doctor(id, again),
    'downloads.list': () => downloads().list(),
    'downloads.pause': async ({ id }) => {
      await downloads().pause(id);
      return {};
    },
    'downloads.resume': async ({ id }) => {
      await downloads().resume(id);
      return {};
    },
    'downloads.cancel': async ({ id }) => {
      await downloads().cancel(id);
      return {};
    },
    'hub.setToken': async ({ token }) => {
      await hubToken.set(token === null ? null : token.trim());
      return {};
    },
    'hub.token': async () => ({ isSet: hubToken.get() !== null, isSafe: await hubToken.isSafe() }),
    'network.log': () => network.log(),
    'memory.forecast': async ({ request }) => await engine.forecast({ request, use: await models.use(request) }),
    'adapters.list': () => adapters.list(),
  };
}
