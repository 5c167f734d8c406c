import { StopbathError } from '../../../shared/errors.ts';
import type { TwoBranchModel } from '../guidance/twoBranches.ts';
import type { ModelSession } from '../tensor/modelSession.ts';
import { featuresName, requireSize, type UnetFacts, unetFeeds, unetOutput } from './unetModel.ts';

/** The part that has the outermost layers alone. */
export const shallowPart = 'unet_shallow';

/**
 * The UNet and its outermost layers as one model; graphs of our own only, which take any number of rows.
 * @param openShallow asked at the first step that takes features
 */
export function unetBranches(whole: ModelSession, openShallow: () => Promise<ModelSession>, facts: UnetFacts, latentChannels: number): TwoBranchModel {
  const feeds = unetFeeds(whole, facts, latentChannels);
  const output = unetOutput(whole);
  return {
    async whole(sample, timestep, condition, extras) {
      const rows = sample.dims[0] ?? 1;
      const results = await whole.run({ ...feeds.of(sample, condition, extras), ...feeds.timestep(timestep, rows) }, [output, featuresName]);
      const features = results[featuresName];
      if (features === undefined) throw new StopbathError({ code: 'INTERNAL', message: `unet/model.onnx gave no ${featuresName}.` });
      return { output: requireSize(results[output], sample, rows), features };
    },
    async shallow(features, sample, timestep, condition, extras) {
      const session = await openShallow();
      const own = unetFeeds(session, facts, latentChannels);
      const name = unetOutput(session);
      const rows = sample.dims[0] ?? 1;
      const given = { ...own.of(sample, condition, extras), ...own.timestep(timestep, rows), [featuresName]: features };
      return requireSize((await session.run(given, [name]))[name], sample, rows);
    },
  };
}
