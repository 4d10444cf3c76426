"""The wrappers: bit-equal to plain calls where they change nothing, right where they do, equal to diffusers."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from helpers import finite, normal, open_up, refused

from course import NULL
from course.data import load
from course.exact import FiniteSet
from course.forward import KINDS, convert
from course.metrics import nearest
from course.models import CountCalls, as_eps, cfg, clip_x0, from_diffusers, in_parts, retimed
from course.nets import UNet
from course.pipelines import load_pipeline, token_ids
from course.samplers import ddim, last
from course.schedules import cosine, linear, scaled_linear

X, T, LABELS = normal(4, 1, 8, 8), torch.tensor([1, 200, 600, 1000]), torch.tensor([0, 1, 2, 3])


class Recorder:
    """A model whose answer depends on the label, and which keeps the conditions that it was asked with."""

    def __init__(self):
        self.asked = []

    def __call__(self, x, t, cond=None):
        self.asked.append(cond)
        shift = 0.0 if cond is None else cond.double().reshape(len(cond), -1).mean(1).reshape(-1, 1, 1, 1)
        return torch.tanh(x + shift) / 3


@pytest.mark.parametrize("cond", [LABELS, normal(4, 6)], ids=["labels", "embeddings"])
def test_scale_1_is_the_plain_conditional_model_bit_by_bit(cond):
    model = Recorder()
    assert cfg(model, 1.0)(X, T, cond).equal(Recorder()(X, T, cond))
    assert len(model.asked) == 1
    assert model.asked[0].equal(cond)


def test_scale_0_is_the_plain_unconditional_model_bit_by_bit():
    model = Recorder()
    assert cfg(model, 0)(X, T, LABELS).equal(Recorder()(X, T, torch.full((4,), NULL)))
    assert [cond.tolist() for cond in model.asked] == [[NULL] * 4]


def test_without_a_condition_nothing_is_guided():
    model = Recorder()
    assert cfg(model, 7.5)(X, T).equal(Recorder()(X, T))
    assert model.asked == [None]


@pytest.mark.parametrize("scale", [0.5, 3.0, -1.0])
def test_other_scales_go_from_the_null_answer_towards_the_conditional_one_and_beyond(scale):
    model = Recorder()
    null, with_label = Recorder()(X, T, torch.full((4,), NULL)), Recorder()(X, T, LABELS)
    torch.testing.assert_close(cfg(model, scale)(X, T, LABELS), (1 - scale) * null + scale * with_label)
    assert [cond.tolist() for cond in model.asked] == [[NULL] * 4 + LABELS.tolist()]  # both halves in one call
    assert model.asked[0].dtype == torch.long


IDS = torch.arange(12).reshape(4, 3)
NULLS = {
    "another label": (LABELS, 7),
    "a label of its own for each": (LABELS, torch.tensor([3, 2, 1, 0])),
    "an embedding": (normal(4, 6), normal(6)),
    "a table of tokens": (normal(4, 3, 6), normal(1, 3, 6)),
    "one for each": (normal(4, 3, 6), normal(4, 3, 6, seed=1)),
    "token ids": (IDS, torch.tensor([9, 9, 9])),
    "of another type": (normal(4, 6).float(), normal(6)),
}


@pytest.mark.parametrize("name", NULLS)
@pytest.mark.parametrize("scale", [0.0, 2.5])
def test_null_stands_for_no_condition_and_spreads_over_cond(name, scale):
    cond, null = NULLS[name]
    spread = torch.as_tensor(null).to(cond.dtype).expand(cond.shape)
    model = Recorder()
    away, towards = Recorder()(X, T, spread), Recorder()(X, T, cond)
    torch.testing.assert_close(cfg(model, scale, null)(X, T, cond), (1 - scale) * away + scale * towards)
    [asked] = model.asked
    assert asked.dtype == cond.dtype
    assert asked[:4].equal(spread)


def test_one_time_for_all_is_one_for_each():
    t = torch.tensor(300)
    assert cfg(Recorder(), 3.0)(X, t, LABELS).equal(cfg(Recorder(), 3.0)(X, t.expand(4), LABELS))
    truth = finite().eps_model(linear())
    torch.testing.assert_close(in_parts(truth, 3)(X, t), truth(X, t.expand(4)))


@pytest.mark.parametrize("cond", [normal(4, 6), IDS, normal(4)], ids=["embeddings", "token ids", "numbers"])
def test_what_is_no_label_needs_a_null(cond):
    for scale in (0, 2.0):
        with refused(ValueError, "is not a label for each picture: tell cfg by null= what stands for none"):
            cfg(Recorder(), scale)(X, T, cond)
    assert cfg(Recorder(), 1.0)(X, T, cond).equal(Recorder()(X, T, cond))  # nothing is guided


def test_a_null_of_another_shape_is_refused():
    with refused(ValueError, r"null \(5,\) does not spread over cond \(4, 6\)"):
        cfg(Recorder(), 2.0, normal(5))(X, T, normal(4, 6))


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8])
def test_a_null_that_the_type_of_the_labels_cannot_hold_is_refused(dtype):
    with refused(ValueError, f"a null of -1 cannot be written in {dtype}"):
        cfg(Recorder(), 2.0)(X, T, LABELS.to(dtype))
    with refused(ValueError, "a null of 0.5 cannot be written in torch.int64"):
        cfg(Recorder(), 2.0, null=0.5)(X, T, LABELS)
    assert cfg(Recorder(), 2.0)(X, T, LABELS.int()).equal(cfg(Recorder(), 2.0)(X, T, LABELS))


@pytest.mark.parametrize(("cond", "null"), [(LABELS[:1], None), (LABELS[:3], None), (torch.tensor(3.0), 0.0)])
def test_conditions_that_are_not_one_for_each_picture_are_refused(cond, null):
    for scale in (0, 2.0):
        with refused(ValueError, "cond must be one for each of 4 pictures"):
            cfg(Recorder(), scale, null)(X, T, cond)


def test_guidance_draws_the_digit_that_is_asked_for():
    x, y = load("digits", "all")
    parts = {k: FiniteSet(x[y == k].double()).eps_model(linear()) for k in range(3)}
    parts[NULL] = FiniteSet(x.double()).eps_model(linear())

    def model(x, t, cond):
        return torch.cat([parts[k](x[i : i + 1], t[i : i + 1]) for i, k in enumerate(cond.tolist())])

    wanted = torch.tensor([0, 1, 2] * 4)
    drawn = last(ddim(cfg(model, 2.0), linear(), normal(12, 1, 8, 8), linear().grid(20), cond=wanted))
    assert y[nearest(drawn, x)[1]].equal(wanted)


def wild(x, t, cond=None):
    """A model whose guess of x_0 lies far outside [-1, 1]."""
    return -2 * torch.ones_like(x)


@pytest.mark.parametrize("limit", [1.0, 0.3, 2.5])
def test_clip_x0_keeps_the_guess_within_its_limit(limit):
    clipped = clip_x0(wild, linear(), limit)
    plain = convert(linear(), X, T, wild(X, T), "eps", "x0")
    found = convert(linear(), X, T, clipped(X, T), "eps", "x0")
    assert plain.abs().max() > 2.5
    torch.testing.assert_close(found, plain.clamp(-limit, limit), rtol=1e-8, atol=1e-8)


def test_clip_x0_leaves_a_guess_within_the_limit_as_it_is():
    truth = finite().eps_model(linear())
    torch.testing.assert_close(clip_x0(truth, linear())(X, T), truth(X, T), rtol=1e-9, atol=1e-9)


def test_clip_x0_tames_the_first_step_of_a_cosine_grid():
    def nearly(x, t, cond=None):  # off by 2 %, as a good network is; the first of 50 steps multiplies that by 632
        return finite().eps_model(cosine())(x, t) + 0.02

    grid, x_T = cosine().grid(50), normal(16, 1, 8, 8)
    exact, plain, clipped = (
        next(iter(ddim(model, cosine(), x_T, grid))).x
        for model in (finite().eps_model(cosine()), nearly, clip_x0(nearly, cosine()))
    )
    assert (plain - exact).abs().mean().item() == pytest.approx(0.02 * 632, rel=0.01)
    assert (clipped - exact).abs().mean() < 0.1


def test_wrappers_pass_the_condition_on():
    model = Recorder()
    clip_x0(cfg(as_eps(model, linear(), "v"), 1.0), linear())(X, T, LABELS)
    assert model.asked[0].equal(LABELS)


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_a_limit_that_leaves_nothing_is_refused(limit):
    with refused(ValueError, "limit must be positive"):
        clip_x0(wild, linear(), limit)


# Another prediction


@pytest.mark.parametrize("kind", KINDS)
def test_as_eps_gives_eps_whatever_the_network_prints(kind):
    schedule, truth = linear(), finite().eps_model(linear())
    x, t = normal(5, 1, 8, 8), torch.tensor([1, 10, 100, 500, 1000])

    def network(x, t, cond):
        return convert(schedule, x, t, truth(x, t, cond), "eps", kind)

    model = as_eps(network, schedule, kind)
    assert model.net is network
    torch.testing.assert_close(model(x, t), truth(x, t), rtol=1e-9, atol=1e-9)


def test_another_net_takes_the_place_of_the_first():
    x, t = normal(4, 1, 8, 8), torch.tensor([1, 10, 100, 500])
    one, two = (as_eps(lambda x, t, cond, factor=factor: factor * x, linear(), "v") for factor in (0.5, -1.0))
    assert replace(one, net=two.net)(x, t).equal(two(x, t))
    assert (one.kind, one.schedule.T) == ("v", 1000)
    assert not one(x, t).allclose(two(x, t))
    other = replace(one, schedule=cosine())
    assert other(x, t).equal(as_eps(one.net, cosine(), "v")(x, t))
    with pytest.raises(FrozenInstanceError):
        one.net = two.net


def test_as_eps_passes_the_condition_on():
    seen = []
    as_eps(lambda x, t, cond: seen.append(cond) or x, linear(), "v")(normal(2, 2), torch.tensor(5), torch.ones(2))
    assert seen[0].tolist() == [1, 1]


def test_a_silent_v_network_says_that_all_is_noise():
    x, t = normal(3, 1, 8, 8), torch.tensor([1, 500, 1000])
    model = as_eps(lambda x, t, cond: torch.zeros_like(x), linear(), "v")
    torch.testing.assert_close(model(x, t), (1 - linear().at(t, 4)).sqrt() * x)


# Another schedule


@pytest.mark.parametrize("kind", ["eps", "v"])
def test_a_network_is_asked_at_the_time_of_its_own_with_the_same_noise(kind):
    """The exact answer of one schedule, retimed, is that of the other: at one noise level there is one best eps."""
    truth, own = finite(), linear()

    def network(x, t, cond=None):
        return convert(own, x, t, truth.eps_model(own)(x, t), "eps", kind)

    for schedule in (cosine(), scaled_linear(), linear(50)):
        t = torch.tensor([3, schedule.T // 3, schedule.T // 2, schedule.T * 8 // 10])
        found = retimed(as_eps(network, own, kind), schedule, own)(X, t)
        torch.testing.assert_close(found, truth.eps_model(schedule)(X, t), rtol=1e-6, atol=1e-6)
    assert not as_eps(network, own, kind)(X, T).allclose(truth.eps_model(cosine())(X, T), atol=1e-2)


def test_beyond_what_training_showed_the_nearest_time_is_asked():
    asked = []
    model = retimed(lambda x, t, cond=None: asked.append(t) or x, cosine(), linear())
    model(X, torch.tensor([0, 1, 500, 1000]))
    model(X.float(), torch.tensor(700))
    assert asked[0].dtype == torch.float64
    assert asked[0].tolist() == pytest.approx([1.0, 1.0, asked[0][2].item(), 1000.0])
    torch.testing.assert_close(linear().at(asked[0][2]), cosine().at(500))
    assert asked[1].dtype == torch.float32


# Networks of diffusers


@pytest.fixture(scope="module")
def pipe():
    import diffusers

    pipe = load_pipeline()
    # trailing: the times of our grid; the last step goes to alpha_bar = 1, as ours does
    options = {"timestep_spacing": "trailing", "set_alpha_to_one": True}
    pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config, **options)
    return pipe


@torch.no_grad()
def embedded(pipe, *prompts):
    return pipe.text_encoder(token_ids(pipe, prompts))[0]  # (B, 77, 96)


@pytest.mark.parametrize("negative", ["", "a small green star"])
def test_our_guided_ddim_over_its_network_is_the_whole_pipeline(pipe, negative):
    prompts = ["a large red circle on a white background", "a small blue ring left of a large pink heart"]
    z_T, schedule = normal(2, 4, 8, 8, seed=3, dtype=torch.float32), scaled_linear()
    options = {"num_inference_steps": 20, "guidance_scale": 4.0, "latents": z_T, "negative_prompt": [negative] * 2}
    theirs = {kind: pipe(prompts, output_type=kind, **options).images for kind in ("latent", "pt")}
    assert pipe.scheduler.timesteps.tolist() == (schedule.grid(20)[:-1] - 1).tolist()
    model = cfg(from_diffusers(pipe.unet, schedule, "v"), 4.0, null=embedded(pipe, negative)[0])
    z_0 = last(ddim(model, schedule, z_T, schedule.grid(20), cond=embedded(pipe, *prompts)))
    with torch.no_grad():
        pictures = (pipe.vae.decode(z_0 / pipe.vae.config.scaling_factor).sample / 2 + 0.5).clamp(0, 1)
    print("latents", (z_0 - theirs["latent"]).abs().max().item(), "pictures", (pictures - theirs["pt"]).abs().max())
    torch.testing.assert_close(z_0, theirs["latent"], rtol=0, atol=1e-4)
    torch.testing.assert_close(pictures, theirs["pt"], rtol=0, atol=1e-4)
    other = cfg(from_diffusers(pipe.unet, schedule, "v"), 4.0, null=embedded(pipe, "a large black cross")[0])
    z_1 = last(ddim(other, schedule, z_T, schedule.grid(20), cond=embedded(pipe, *prompts)))
    assert (z_1 - theirs["latent"]).abs().max() > 0.1  # another null, another picture


def test_its_time_is_ours_less_one_and_its_type_its_own(pipe):
    z, words = normal(2, 4, 8, 8), embedded(pipe, "a ring", "a star")
    t = torch.tensor([1, 700])
    with torch.no_grad():
        v = pipe.unet(z.float(), t - 1, words).sample.double()
        model = from_diffusers(pipe.unet, scaled_linear(), "v")
        assert model(z, t, words.double()).equal(convert(scaled_linear(), z, t, v, "v", "eps"))
        assert model.net.net is pipe.unet
        assert model.net(z, t * 0, words).equal(model.net(z, t * 0 + 1, words))  # t = 0 is asked as 1 is
        assert model.net(z, 700, words).equal(model.net(z, torch.tensor(700), words))


def test_a_network_with_labels_or_none_is_one_too():
    from diffusers import UNet2DModel

    small = {"sample_size": 8, "in_channels": 1, "out_channels": 1, "block_out_channels": (8, 16), "norm_num_groups": 4}
    small |= {"down_block_types": ("DownBlock2D",) * 2, "up_block_types": ("UpBlock2D",) * 2}
    x, t = X.float(), torch.tensor([1, 40, 500, 1000])
    plain, labelled = UNet2DModel(**small), UNet2DModel(**small, num_class_embeds=11)
    with torch.no_grad():
        assert from_diffusers(plain, linear())(x, t).equal(plain(x, t - 1).sample)
        asked = from_diffusers(labelled, linear())
        assert asked(x, t, LABELS).equal(labelled(x, t - 1, LABELS).sample)
        both = labelled(x, t - 1, LABELS).sample * 2 - labelled(x, t - 1, torch.full((4,), 10)).sample
        torch.testing.assert_close(cfg(asked, 2.0, null=10)(x, t, LABELS), both, rtol=1e-4, atol=1e-5)


def test_an_unknown_kind_is_refused():
    for make in (as_eps, from_diffusers):
        with refused(ValueError, "'flow'; known: eps, x0, v, score"):
            make(None, linear(), "flow")


# Parts and counts


def test_many_pictures_are_asked_for_in_parts_and_answered_as_one():
    sizes, net = [], open_up(UNet(1, 8, num_classes=3))
    model = as_eps(net, cosine(), "v")

    def watched(x, t, cond=None):
        sizes.append((len(x), len(t), None if cond is None else len(cond)))
        return model(x, t, cond)

    x, t, y = normal(10, 1, 8, 8).float(), torch.arange(1, 11), torch.arange(10) % 3
    parts = in_parts(watched, size=4)
    for cond in (None, y):
        with torch.no_grad():
            torch.testing.assert_close(parts(x, t, cond), model(x, t, cond), rtol=1e-4, atol=1e-4)
    assert sizes == [(4, 4, None), (4, 4, None), (2, 2, None), (4, 4, 4), (4, 4, 4), (2, 2, 2)]


@pytest.mark.parametrize("size", [0, -1])
def test_a_part_holds_a_picture_at_least(size):
    with refused(ValueError, "at least one picture"):
        in_parts(wild, size)


def test_calls_are_counted_and_answers_passed_on():
    asked = []
    model = CountCalls(lambda *given: asked.append(given) or given[0] + 1)
    x, t, y = normal(3, 2), torch.arange(3), torch.tensor([2, 0, 1])
    assert model.calls == 0
    assert model(x, t).equal(x + 1)
    assert model(x, t, y).equal(x + 1)
    assert model.calls == 2
    assert [len(given) for given in asked] == [3, 3]
    assert asked[0][2] is None
    assert asked[1][2] is y
    assert model(x, t, cond=y).equal(x + 1)
