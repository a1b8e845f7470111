/*
 * PyTorch by its C++ interface, in two ways: with automatic differentiation, as nearly everyone uses it, and "raw",
 * with its operators called one by one on tensors made once, the update going straight into the weights. Adam is that
 * of torch.optim.Adam(foreach=True), by the operators which that calls.
 */
#include <cmath>
#include <exception>
#include <vector>

#include <torch/torch.h>

#include "peer.h"

namespace {

using torch::Tensor;

Tensor view(const float *values, size_t rows, size_t columns) {
    return torch::from_blob(const_cast<float *>(values), // only read
                            {static_cast<int64_t>(rows), static_cast<int64_t>(columns)});
}

Tensor labels(const peer_net &net, const peer_batch &batch) {
    return torch::from_blob(const_cast<uint32_t *>(batch.labels), {static_cast<int64_t>(net.batch)}, torch::kInt32)
        .to(torch::kInt64);
}

/** What both ways share: the parameters, and Adam. */
class Trainer {
  public:
    Trainer(const peer_net &net, const peer_layer *initial)
        : net_(net), adam_(net.optimizer.kind == BP_OPTIMIZER_ADAM) {
        for (size_t l = 0; l < net.layers; l++) {
            w_.push_back(view(initial[l].weights, net.sizes[l], net.sizes[l + 1]).clone());
            b_.push_back(view(initial[l].biases, 1, net.sizes[l + 1]).flatten().clone());
        }
        all_ = w_;
        all_.insert(all_.end(), b_.begin(), b_.end());
        for (size_t k = 0; adam_ && k < all_.size(); k++) {
            m_.push_back(torch::zeros_like(all_[k]));
            v_.push_back(torch::zeros_like(all_[k]));
        }
    }

    virtual ~Trainer() = default;
    virtual void step(const peer_batch &batch, float rate) = 0;

    void parameters(const peer_layer *layers) const {
        for (size_t l = 0; l < net_.layers; l++) {
            std::copy_n(w_[l].data_ptr<float>(), w_[l].numel(), layers[l].weights);
            std::copy_n(b_[l].data_ptr<float>(), b_[l].numel(), layers[l].biases);
        }
    }

  protected:
    Tensor inputs(const peer_batch &batch) const {
        return view(batch.inputs, net_.batch, net_.sizes[0]);
    }

    Tensor targets(const peer_batch &batch) const {
        return view(batch.targets, net_.batch, net_.sizes[net_.layers]);
    }

    void adam_update(const std::vector<Tensor> &gradients, float rate) {
        const bp_optimizer &numbers = net_.optimizer;
        const double beta1 = numbers.beta1, beta2 = numbers.beta2, t = static_cast<double>(++steps_);
        at::_foreach_mul_(m_, beta1);
        at::_foreach_add_(m_, gradients, 1 - beta1);
        at::_foreach_mul_(v_, beta2);
        at::_foreach_addcmul_(v_, gradients, gradients, 1 - beta2);
        std::vector<Tensor> root = at::_foreach_sqrt(v_);
        at::_foreach_div_(root, std::sqrt(1 - std::pow(beta2, t)));
        at::_foreach_add_(root, numbers.epsilon);
        at::_foreach_addcdiv_(all_, m_, root, -rate / (1 - std::pow(beta1, t)));
    }

    peer_net net_;
    bool adam_;
    std::vector<Tensor> w_, b_, all_; // all: the weights of each layer, then the biases
    std::vector<Tensor> m_, v_;       // Adam's moments of all
    size_t steps_ = 0;
};

class Eager : public Trainer {
  public:
    Eager(const peer_net &net, const peer_layer *initial) : Trainer(net, initial) {
        for (Tensor &parameter : all_)
            parameter.requires_grad_();
    }

    void step(const peer_batch &batch, float rate) override {
        Tensor x = inputs(batch);
        for (size_t l = 0; l < net_.layers; l++) {
            x = torch::addmm(b_[l], x, w_[l]);
            if (l + 1 < net_.layers)
                x = activated(x);
        }
        const Tensor loss = net_.loss == BP_LOSS_MSE ? torch::mse_loss(x, targets(batch), torch::Reduction::Sum) *
                                                           (0.5 / static_cast<double>(net_.batch))
                                                     : torch::cross_entropy_loss(x, labels(net_, batch));
        loss.backward();
        torch::NoGradGuard guard;
        if (adam_)
            adam_update(gradients(), rate);
        for (Tensor &parameter : all_) {
            if (!adam_)
                parameter.sub_(parameter.grad(), rate);
            parameter.mutable_grad().reset(); // the next step writes it instead of adding to it
        }
    }

  private:
    Tensor activated(const Tensor &z) const {
        switch (net_.hidden.kind) {
        case BP_ACTIVATION_RELU:
            return torch::relu(z);
        case BP_ACTIVATION_LEAKY_RELU:
            return torch::leaky_relu(z, net_.hidden.parameter);
        case BP_ACTIVATION_SIGMOID:
            return torch::sigmoid(z);
        case BP_ACTIVATION_TANH:
            return torch::tanh(z);
        default:
            return z;
        }
    }

    std::vector<Tensor> gradients() const {
        std::vector<Tensor> result;
        for (const Tensor &parameter : all_)
            result.push_back(parameter.grad());
        return result;
    }
};

class Raw : public Trainer {
  public:
    Raw(const peer_net &net, const peer_layer *initial) : Trainer(net, initial) {
        for (size_t l = 0; l < net.layers; l++) {
            a_.push_back(torch::empty({static_cast<int64_t>(net.batch), static_cast<int64_t>(net.sizes[l + 1])}));
            delta_.push_back(torch::empty_like(a_[l]));
        }
        for (size_t k = 0; adam_ && k < all_.size(); k++)
            gradient_.push_back(torch::empty_like(all_[k]));
    }

    void step(const peer_batch &batch, float rate) override {
        const torch::InferenceMode guard;
        const Tensor first = inputs(batch);
        for (size_t l = 0; l < net_.layers; l++) {
            torch::addmm_out(a_[l], b_[l], l ? a_[l - 1] : first, w_[l]);
            if (l + 1 < net_.layers)
                activate(a_[l]);
        }
        output_delta(batch, delta_.back());
        for (size_t l = net_.layers; l-- > 0;) {
            if (l) {
                torch::mm_out(delta_[l - 1], delta_[l], w_[l].t());
                times_slope(delta_[l - 1], a_[l - 1]);
            }
            const Tensor x = (l ? a_[l - 1] : first).t();
            if (adam_) {
                torch::mm_out(gradient_[l], x, delta_[l]);
                torch::sum_out(gradient_[net_.layers + l], delta_[l], 0);
            } else {
                w_[l].addmm_(x, delta_[l], 1, -rate);
                b_[l].sub_(delta_[l].sum(0), rate);
            }
        }
        if (adam_)
            adam_update(gradient_, rate);
    }

  private:
    void activate(Tensor &z) const {
        switch (net_.hidden.kind) {
        case BP_ACTIVATION_RELU:
            z.relu_();
            break;
        case BP_ACTIVATION_LEAKY_RELU:
            torch::leaky_relu_(z, net_.hidden.parameter);
            break;
        case BP_ACTIVATION_SIGMOID:
            z.sigmoid_();
            break;
        case BP_ACTIVATION_TANH:
            z.tanh_();
            break;
        default:
            break;
        }
    }

    void times_slope(Tensor &delta, const Tensor &a) const {
        switch (net_.hidden.kind) {
        case BP_ACTIVATION_RELU:
            torch::threshold_backward_out(delta, delta, a, 0);
            break;
        case BP_ACTIVATION_LEAKY_RELU:
            torch::leaky_relu_backward_out(delta, delta, a, net_.hidden.parameter, true);
            break;
        case BP_ACTIVATION_SIGMOID:
            torch::sigmoid_backward_out(delta, delta, a);
            break;
        case BP_ACTIVATION_TANH:
            torch::tanh_backward_out(delta, delta, a);
            break;
        default:
            break;
        }
    }

    void output_delta(const peer_batch &batch, Tensor &delta) const {
        const double scale = 1 / static_cast<double>(net_.batch);
        if (net_.loss == BP_LOSS_MSE) {
            torch::sub_out(delta, a_.back(), targets(batch));
        } else {
            torch::_softmax_out(delta, a_.back(), 1, false);
            const Tensor correct = labels(net_, batch).unsqueeze(1);
            delta.scatter_add_(1, correct, torch::full({}, -1.0f).expand_as(correct));
        }
        delta.mul_(scale);
    }

    std::vector<Tensor> a_, delta_, gradient_; // that of all parameters, for Adam
};

template <class Way> struct Torch {
    static const char *refusal(const peer_net *, size_t) {
        return nullptr;
    }

    static void *create(const peer_net *net, const peer_layer *initial, size_t threads) try {
        at::set_num_threads(static_cast<int>(threads));
        return static_cast<Trainer *>(new Way(*net, initial));
    } catch (const std::exception &) {
        return nullptr;
    }

    static void step(void *trainer, const peer_batch *batch, float rate) {
        static_cast<Trainer *>(trainer)->step(*batch, rate);
    }

    static void parameters(void *trainer, const peer_layer *layers) {
        static_cast<Trainer *>(trainer)->parameters(layers);
    }

    static void destroy(void *trainer) {
        delete static_cast<Trainer *>(trainer);
    }

    static const char *version() {
        return TORCH_VERSION;
    }

    static constexpr peer describe(const char *name, peer_group group) {
        return {name, group, version, refusal, create, step, parameters, destroy};
    }
};

const peer eager = Torch<Eager>::describe("torch", PEER_AS_USED);
const peer raw = Torch<Raw>::describe("torch-raw", PEER_BY_HAND);

} // namespace

extern "C" const peer *const peer_list[] = {&eager, &raw, nullptr};
