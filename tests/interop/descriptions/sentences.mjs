// What a validator found, as places and sentences that are the same for the same mistake.

/** `[{ place, text }]`, without the errors that only say that another error is there. */
export function sentences(errors) {
  return errors.filter(({ keyword }) => !['oneOf', 'anyOf', 'allOf', 'if'].includes(keyword) || errors.length === 1).map((error) => ({
    place: error.instancePath.replaceAll(/\/\d+(?=\/|$)/g, '/*'),
    text: sentence(error),
  }));
}

function sentence({ keyword, params, message }) {
  switch (keyword) {
    case 'unevaluatedProperties':
    case 'additionalProperties':
      return `the key "${params.unevaluatedProperty ?? params.additionalProperty}" is not described`;
    case 'required':
      return `the key "${params.missingProperty}" is missing`;
    case 'enum':
      return `it is none of ${JSON.stringify(params.allowedValues)}`;
    default:
      return message;
  }
}
