with judged as (
    select
        learners.customer, learners.learner_id, learners.learner, learners.organisation, learners.status,
        learners.assessor_id, learners.assessor, learners.planned_end,
        {{ onefile.rounded('learners.progress') }} as progress, progress.expected,
        progress.ahead, reviews.last_review, reviews.due_on as review_due_on, off_the_job.ahead as hours_ahead,
        coalesce(learners.planned_end < {{ onefile.today() }}, false) as is_past_planned_end,
        coalesce(reviews.due = 'overdue', false) as is_review_overdue,
        coalesce(reviews.due = 'due within four weeks', false) as is_review_due
    from {{ ref('onefile_learners') }} as learners
    left join {{ ref('onefile_progress') }} as progress
        on learners.customer = progress.customer and learners.learner_id = progress.learner_id
    left join {{ ref('onefile_reviews_due') }} as reviews
        on learners.customer = reviews.customer and learners.learner_id = reviews.learner_id
    left join {{ ref('onefile_off_the_job') }} as off_the_job
        on learners.customer = off_the_job.customer and learners.learner_id = off_the_job.learner_id
    where learners.in_learning
)

select
    *,
    case
        when is_past_planned_end or is_review_overdue or ahead < -{{ var('onefile_behind_red') }} then 'red'
        -- Of whom too little is known is not green.
        when is_review_due or hours_ahead < 0 or ahead < -{{ var('onefile_behind_amber') }} or ahead is null then 'amber'
        else 'green'
    end as rag
from judged
