import { useFieldError } from '../../i18n/useFieldError.ts';
import { ErrorLine } from '../../ui/Field.tsx';

/** What is missing or wrong about the start picture and its mask. Can be turned to like a field. */
export function PictureErrors() {
  const image = useFieldError('image');
  const mask = useFieldError('mask');
  // Without a picture there is nothing to paint a mask on.
  return <ErrorLine error={image ?? mask} />;
}
