"""A teacher of its own kind: the regression on n-grams of characters, of labels and of ratings taken for labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.rated.models import fit_regressions, told_reviews
from training.rated.sources import RatedSources
from training.recipes import RatedRecipe
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import frequent_features
from training.wide_deep.wide import Wide, model_scores

Ints = NDArray[np.int64]


def linear_answers(recipe: RatedRecipe, sources: RatedSources, token_ids: Sequence[Ints]) -> NDArray[np.float32]:
    """Fit the regression, and compute the logit of every text, float32[texts].

    Args:
        recipe: all choices.
        sources: texts, labels and ratings. What is held out is not learnt from.
        token_ids: characters of each text.
    """
    labelled = len(sources.labelled.texts)
    told = told_reviews(
        [token_ids[row] for row in sources.fitted.tolist()],
        sources.labelled.labels[sources.fitted],
        [token_ids[labelled + row] for row in sources.unlike.tolist()],
        sources.rated.ratings[sources.unlike],
        recipe.seed,
    )
    corpus = Corpus([told.token_ids[row] for row in told.balanced.tolist()])
    features = frequent_features(corpus, recipe.num_words, recipe.max_order, recipe.min_texts)
    at = features.at(corpus, recipe.num_words)
    [fitted] = fit_regressions(recipe, told, corpus, features, at, recipe.strengths[:1])
    model = Wide(features, fitted.weights[:, None], np.array([fitted.bias]))
    return model_scores(recipe, model, token_ids)[:, 0].astype(np.float32)
