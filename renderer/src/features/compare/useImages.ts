import { useEffect, useState } from 'react';

type Shown = readonly { readonly src: string; readonly image: HTMLImageElement }[];

/**
 * The pictures at these addresses, decoded. One that is still to come leaves the one before in its place; so does one that
 * cannot be had.
 */
export function useImages(addresses: readonly string[]): readonly (HTMLImageElement | null)[] {
  const [shown, setShown] = useState<Readonly<Record<number, Shown[number]>>>({});
  const all = addresses.join('\n');
  useEffect(() => {
    let current = true;
    all.split('\n').forEach((src, place) => {
      if (src === '') return;
      const image = new Image();
      image.src = src;
      image.decode().then(
        () => {
          if (current) setShown((before) => ({ ...before, [place]: { src, image } }));
        },
        () => undefined,
      );
    });
    return () => {
      current = false;
    };
  }, [all]);
  return addresses.map((src, place) => (src === '' ? null : (shown[place]?.image ?? null)));
}
