select
    plans.customer,
    plans.plan_id,
    plans.learner_id,
    learners.learner,
    learners.organisation,
    learners.status,
    coalesce(learners.in_learning, false) as in_learning,
    learners.assessor_id,
    learners.assessor,
    plans.plan_on as made_on,
    plans.title,
    plans.status_id as plan_status_id,
    {{ onefile.uk_day('plans.assessor_signed_on') }} as assessor_signed_on,
    {{ onefile.uk_day('plans.learner_signed_on') }} as learner_signed_on,
    case
        when plans.assessor_signed_on is null and plans.learner_signed_on is null then 'nobody has signed'
        when plans.assessor_signed_on is null then 'the assessor has not signed'
        when plans.learner_signed_on is null then 'the learner has not signed'
        else 'both have signed'
    end as signatures
from {{ ref('stg_onefile_plans') }} as plans
left join {{ ref('onefile_learners') }} as learners
    on plans.customer = learners.customer and plans.learner_id = learners.learner_id
